#!/usr/bin/env bash
# A Slurm and an mpirun for the tests of "lockstep launch": those that are here, or Debian's, which only root can install.
#
#   bash scripts/setup-slurm.sh
#
# Exits with 3, and says why on standard error, where there is none; the tests then skip themselves.
set -euo pipefail

refuse() {
  echo "no Slurm or mpirun: $1" >&2
  exit 3
}

are_there() {
  local program
  for program in slurmctld slurmd srun scontrol munged mpirun; do
    PATH=$PATH:/usr/sbin command -v "$program" >/dev/null || return 1
  done
}

are_there && exit
source "$(dirname "${BASH_SOURCE[0]}")/debianPackage.sh"
for package in slurm-wlm munge openmpi-bin; do install_debian_package "$package"; done
are_there || refuse 'a program is missing from the packages slurm-wlm, munge and openmpi-bin'
