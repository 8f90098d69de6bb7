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
source "$(dirname "${BASH_SOURCE[0]}")/debianPackage.sh"
install_debian_package prometheus
is_there || refuse 'the package has no promtool'
