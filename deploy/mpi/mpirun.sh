#!/bin/bash
# Four processes, on this host or on those of a host file: bash deploy/mpi/mpirun.sh --hostfile hosts
# The folder of the run lies on a file system that all hosts share: there the processes find rank 0 and the secret.
# mpirun ends its processes one second after SIGTERM; a run may take longer to save.
exec mpirun -np 4 --mca odls_base_sigkill_timeout 15 "$@" \
  lockstep launch --dataset cifar10 --model resnet20 --epochs 30 --schedule onecycle \
  --run-dir runs/mpi --resume auto
