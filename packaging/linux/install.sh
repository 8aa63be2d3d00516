#!/bin/sh
# Installs sounddesk from the folder that this script lies in: for you alone, or for everybody with --prefix /usr/local.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
prefix=$HOME/.local
while [ $# -gt 0 ]; do
  case $1 in
    --prefix) prefix=${2:?--prefix needs a folder}; shift 2 ;;
    *) echo "usage: install.sh [--prefix FOLDER]   (default: $prefix)" >&2; exit 2 ;;
  esac
done
case $prefix in /*) ;; *) prefix=$PWD/$prefix ;; esac
app=$prefix/lib/sounddesk
if [ -e "$app" ] && [ ! -e "$app/uninstall.sh" ]; then
  echo "$app exists and is not an installation of sounddesk: move it away, or choose another --prefix" >&2
  exit 1
fi
mkdir -p "$prefix/lib" "$prefix/bin" "$prefix/share"
# Copied whole beside the old one and then put in its place, so that a copy that breaks off leaves the old one alone.
new=$prefix/lib/.sounddesk-new.$$
trap 'rm -rf "$new"' EXIT
cp -R "$here/sounddesk" "$new"
cp "$here/uninstall.sh" "$new/uninstall.sh"
printf '%s\n' "$prefix" >"$new/prefix"
rm -rf "$app"
mv "$new" "$app"
trap - EXIT
ln -sf ../lib/sounddesk/sounddesk "$prefix/bin/sounddesk"
ln -sf ../lib/sounddesk/sounddesk-desk "$prefix/bin/sounddesk-desk"
cp -R "$here/share/." "$prefix/share/"
for tool in "update-desktop-database $prefix/share/applications" "update-mime-database $prefix/share/mime" \
            "gtk-update-icon-cache -q -t -f $prefix/share/icons/hicolor"; do
  # shellcheck disable=SC2086
  if command -v ${tool%% *} >/dev/null 2>&1; then $tool >/dev/null 2>&1 || true; fi
done
echo "sounddesk is installed in $app"
case :$PATH: in *":$prefix/bin:"*) ;; *) echo "add $prefix/bin to PATH to call it as 'sounddesk'" ;; esac
echo "remove it with: sh $app/uninstall.sh"
