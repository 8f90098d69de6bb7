#!/usr/bin/env bash
# A Firefox for the tests that it computes the bits of Node: one that is here, or Debian's, which only root can install.
#
#   eval "$(bash scripts/setup-firefox.sh)"      sets LOCKSTEP_FIREFOX for the tests
#
# Exits with 3, and says why on standard error, where there is none; the tests then skip themselves.
set -euo pipefail

refuse() {
  echo "no Firefox: $1" >&2
  exit 3
}

find_browser() {
  for name in firefox-esr firefox; do
    command -v "$name" && return
  done
  return 1
}

if [ -z "${LOCKSTEP_FIREFOX:-}" ] && ! find_browser >/dev/null; then
  source "$(dirname "${BASH_SOURCE[0]}")/debianPackage.sh"
  install_debian_package firefox-esr
fi
printf 'export LOCKSTEP_FIREFOX=%q\n' "${LOCKSTEP_FIREFOX:-$(find_browser)}"
