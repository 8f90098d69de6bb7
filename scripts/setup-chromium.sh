#!/usr/bin/env bash
# A Chromium for the tests of the live page: one that is here, or Debian's, which only root can install.
#
#   eval "$(bash scripts/setup-chromium.sh)"      sets LOCKSTEP_CHROMIUM for the tests
#
# Exits with 3, and says why on standard error, where there is none; the tests then skip themselves.
set -euo pipefail

refuse() {
  echo "no Chromium: $1" >&2
  exit 3
}

find_browser() {
  for name in chromium chromium-browser google-chrome; do
    command -v "$name" && return
  done
  return 1
}

if [ -z "${LOCKSTEP_CHROMIUM:-}" ] && ! find_browser >/dev/null; then
  source "$(dirname "${BASH_SOURCE[0]}")/debianPackage.sh"
  install_debian_package chromium
fi
printf 'export LOCKSTEP_CHROMIUM=%q\n' "${LOCKSTEP_CHROMIUM:-$(find_browser)}"
