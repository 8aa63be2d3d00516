#!/bin/sh
# Removes sounddesk. Projects, unsaved work, settings and recordings stay; about installed models it asks.
set -eu
app=$(cd "$(dirname "$0")" && pwd)
models=ask
while [ $# -gt 0 ]; do
  case $1 in
    --models) models=${2:-}; shift 2 ;;
    *) models= ; break ;;
  esac
done
case $models in ask | keep | remove) ;; *) echo "usage: uninstall.sh [--models ask|keep|remove]" >&2; exit 2 ;; esac
[ -f "$app/prefix" ] || { echo "$app was not installed by install.sh: nothing was removed" >&2; exit 1; }
prefix=$(cat "$app/prefix")
# What `sounddesk models install` downloaded. Nothing else of the folder is touched: 'bundles' may hold what was trained
# here, 'working' unsaved projects.
data=${XDG_DATA_HOME:-$HOME/.local/share}/sounddesk
if [ ! -d "$data/models" ] || [ -z "$(ls -A "$data/models")" ]; then
  models=none
elif [ "$models" = ask ]; then
  models=keep
  if [ -t 0 ]; then
    printf 'Remove the downloaded models in %s (%s), too? [y/N] ' "$data/models" "$(du -sh "$data/models" | cut -f1)"
    read -r answer
    case $answer in [yY]*) models=remove ;; esac
  fi
fi
id=org.sounddesk.sounddesk
rm -f "$prefix/bin/sounddesk" "$prefix/bin/sounddesk-desk" \
  "$prefix/share/applications/$id.desktop" "$prefix/share/metainfo/$id.metainfo.xml" "$prefix/share/mime/packages/$id.xml" \
  "$prefix/share/man/man1/sounddesk.1.gz" "$prefix/share/man/man1/sounddesk-desk.1.gz"
find "$prefix/share/icons/hicolor" \( -name "$id.*" -o -name 'application-x-sounddesk-project.*' \) -type f -exec rm -f {} + 2>/dev/null || true
rm -rf "$prefix/share/doc/sounddesk" "$app"
for tool in "update-desktop-database $prefix/share/applications" "update-mime-database $prefix/share/mime"; do
  # shellcheck disable=SC2086
  if command -v ${tool%% *} >/dev/null 2>&1; then $tool >/dev/null 2>&1 || true; fi
done
echo "sounddesk is removed; projects and settings are where they were"
case $models in
  remove) rm -rf "${data:?}/models"; echo "downloaded models are removed" ;;
  keep) echo "downloaded models stay in $data/models" ;;
esac
