#!/usr/bin/env bash
# SwiftShader, Vulkan in software, for the tests of the webgpu engine on machines without a GPU. Debian's chromium
# contains it. Its packages are unpacked into a folder; nothing is installed.
#
#   bash scripts/setup-swiftshader.sh          prints the environment to run the tests with
#   eval "$(bash scripts/setup-swiftshader.sh)"
#
# If that is not possible, exits with status 3 and prints the reason on standard error.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
folder="$PWD/node_modules/.cache/lockstep/swiftshader"

refuse() {
  echo "no SwiftShader: $1" >&2
  exit 3
}

[ "$(uname -s)" = Linux ] || refuse 'this script supports Debian and its derivatives only'

found() { find "$folder" -name "$1" 2>/dev/null | head -n 1; }

if [ -z "$(found vk_swiftshader_icd.json)" ] || [ -z "$(found libvulkan.so.1)" ]; then
  rm -rf "$folder"
  source scripts/debianPackage.sh
  unpack_debian_packages "$folder" libvulkan1 chromium-common
fi

icd=$(found vk_swiftshader_icd.json)
loader=$(found 'libvulkan.so.1')
[ -n "$icd" ] || refuse "Debian's chromium-common no longer contains vk_swiftshader_icd.json"
[ -n "$loader" ] || refuse 'libvulkan1 contains no libvulkan.so.1'
# Chromium has its own loader beside SwiftShader; use the system's.
loader=$(find "$folder/usr/lib" -path '*linux-gnu*' -name libvulkan.so.1 | head -n 1)
printf 'export VK_ICD_FILENAMES=%q\n' "$icd"
printf 'export LD_LIBRARY_PATH=%q\n' "$(dirname "$loader")${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
