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
  command -v apt-get >/dev/null || refuse 'this script knows Debian and its relatives alone'
  [ "$(id -u)" = 0 ] || refuse 'only root can install it: apt-get install chromium'
  export DEBIAN_FRONTEND=noninteractive
  log=$(mktemp)
  install() { apt-get install -y --no-install-recommends chromium >"$log" 2>&1; }
  # Lists that are there may do; where they do not, new ones are fetched.
  install || { apt-get update >/dev/null 2>&1 && install; } || refuse "apt-get install failed: $(tail -n 1 "$log")"
  rm -f "$log"
fi
printf 'export LOCKSTEP_CHROMIUM=%q\n' "${LOCKSTEP_CHROMIUM:-$(find_browser)}"
