#!/bin/bash
# Signs the app bundle, makes a disk image and has Apple notarise it. Not run yet: it needs macOS and a developer id.
#
#     packaging/macos/package.sh sounddesk.app OUT VERSION PROJECT_ICON
#
# SIGNING_IDENTITY  'Developer ID Application: NAME (TEAM)'; without it the app is signed ad hoc and opens only after
#                   'xattr -d com.apple.quarantine'
# NOTARY_PROFILE    a profile of 'xcrun notarytool store-credentials'; without it nothing is sent to Apple
set -euo pipefail
app=$1 out=$2 version=$3 project_icon=$4
here=$(cd "$(dirname "$0")" && pwd)
identity=${SIGNING_IDENTITY:--}
libraries=(--force --options runtime --sign "$identity")
[ "$identity" = - ] || libraries+=(--timestamp)
# Rights belong to programs; what these load has those of the program.
programs=("${libraries[@]}" --entitlements "$here/entitlements.plist")

# Every licence, as on the other systems beside the programs, and the icon of project files.
cp -R "$(dirname "$app")/sounddesk/licences" "$app/Contents/Resources/licences"
cp "$project_icon" "$app/Contents/Resources/project.icns"

# From the inside out: a bundle's signature covers those of what lies in it. Whether a file is code its content tells:
# Qt's libraries have no ending.
while IFS= read -r -d '' file; do
  case $(file -b "$file") in
    *Mach-O*executable*) codesign "${programs[@]}" "$file" ;;
    *Mach-O*) codesign "${libraries[@]}" "$file" ;;
  esac
done < <(find "$app/Contents" -type f -print0)
find "$app/Contents" -depth -type d -name '*.framework' -exec codesign "${libraries[@]}" {} ';'
codesign "${programs[@]}" "$app"
codesign --verify --deep --strict "$app"

image="$out/sounddesk-$version-macos-$(uname -m).dmg"
staging=$(mktemp -d)
trap 'rm -rf "$staging"' EXIT
cp -R "$app" "$staging/"
ln -s /Applications "$staging/Applications"
hdiutil create -volname "sounddesk $version" -srcfolder "$staging" -ov -format ULMO "$image"
if [ "$identity" = - ]; then
  echo "signed ad hoc, the image not at all: SIGNING_IDENTITY is not set" >&2
  exit
fi
codesign --force --timestamp --sign "$identity" "$image"
if [ -n "${NOTARY_PROFILE:-}" ]; then
  xcrun notarytool submit "$image" --keychain-profile "$NOTARY_PROFILE" --wait
  xcrun stapler staple "$image"
  spctl --assess --type open --context context:primary-signature "$image"
else
  echo "not notarised: NOTARY_PROFILE is not set" >&2
fi
