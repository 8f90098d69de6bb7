#!/usr/bin/env bash
# A Compose that reads deploy/compose/ for the tests: one that is here, or Debian's, which only root can install.
#
#   bash scripts/setup-compose.sh
#
# Exits with 3, and says why on standard error, where there is none; the tests then skip themselves.
set -euo pipefail

refuse() {
  echo "no Compose: $1" >&2
  exit 3
}

is_there() {
  docker compose version >/dev/null 2>&1 || command -v docker-compose >/dev/null
}

is_there && exit
source "$(dirname "${BASH_SOURCE[0]}")/debianPackage.sh"
install_debian_package docker-compose
is_there || refuse 'the package has no docker-compose'
