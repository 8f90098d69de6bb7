#!/usr/bin/env bash
# A Prometheus for the tests of /metrics: one that is here, or Debian's, which only root can install.
#
#   bash scripts/setup-prometheus.sh
#
# Exits with 3, and says why on standard error, where there is none; the tests then skip themselves.
set -euo pipefail

refuse() {
  echo "no Prometheus: $1" >&2
  exit 3
}

is_there() {
  command -v prometheus >/dev/null && command -v promtool >/dev/null
}

is_there && exit
command -v apt-get >/dev/null || refuse 'this script knows Debian and its relatives alone'
[ "$(id -u)" = 0 ] || refuse 'only root can install it: apt-get install prometheus'
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
install() { apt-get install -y --no-install-recommends prometheus >"$log" 2>&1; }
# Lists that are there may do; where they do not, new ones are fetched.
install || { apt-get update >/dev/null 2>&1 && install; } || refuse "apt-get install failed: $(tail -n 1 "$log")"
rm -f "$log"
is_there || refuse 'the package has no promtool'
