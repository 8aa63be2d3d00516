#!/bin/bash
# Signs the app bundle, makes a disk image and has Apple notarise it. Not run yet: it needs macOS and a developer id.
#
#     packaging/macos/package.sh sounddesk.app OUT VERSION
#
# SIGNING_IDENTITY  'Developer ID Application: NAME (TEAM)'; without it the app is signed ad hoc and opens only after
#                   'xattr -d com.apple.quarantine'
# NOTARY_PROFILE    a profile of 'xcrun notarytool store-credentials'; without it nothing is sent to Apple
set -euo pipefail
app=$1 out=$2 version=$3
here=$(cd "$(dirname "$0")" && pwd)
identity=${SIGNING_IDENTITY:--}
options=(--force --options runtime --entitlements "$here/entitlements.plist" --sign "$identity")
[ "$identity" = - ] || options+=(--timestamp)

# Every licence, as on the other systems beside the programs.
cp -R "$(dirname "$app")/sounddesk/licences" "$app/Contents/Resources/licences"

# From the inside out: a bundle's signature covers those of its libraries.
find "$app" -type f \( -name '*.dylib' -o -name '*.so' \) -print0 | xargs -0 codesign "${options[@]}"
find "$app/Contents/MacOS" -type f -perm -u+x -print0 | xargs -0 codesign "${options[@]}"
codesign "${options[@]}" "$app"
codesign --verify --deep --strict "$app"

image="$out/sounddesk-$version-macos-$(uname -m).dmg"
staging=$(mktemp -d)
trap 'rm -rf "$staging"' EXIT
cp -R "$app" "$staging/"
ln -s /Applications "$staging/Applications"
hdiutil create -volname "sounddesk $version" -srcfolder "$staging" -ov -format ULMO "$image"
codesign --force --sign "$identity" "$image"
if [ -n "${NOTARY_PROFILE:-}" ]; then
  xcrun notarytool submit "$image" --keychain-profile "$NOTARY_PROFILE" --wait
  xcrun stapler staple "$image"
  spctl --assess --type open --context context:primary-signature "$image"
else
  echo "not notarised: NOTARY_PROFILE is not set" >&2
fi
