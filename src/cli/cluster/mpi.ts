/** What mpirun tells its processes: Open MPI in variables of its own, MPICH and Intel MPI (Hydra) by PMI. */

import { portOfJob } from './jobPlace.js';
import type { JobPlace } from './jobPlace.js';
import { checkRank, integerOf, launchError, textOf } from './variables.js';
import type { Environment } from './variables.js';

const LOOPBACK = '127.0.0.1';

interface Names {
  readonly kind: 'openmpi' | 'pmi';
  readonly rank: string;
  readonly size: string;
  readonly localRank: string;
  readonly localSize: string;
  readonly job: string;
}

const OPEN_MPI: Names = {
  kind: 'openmpi',
  rank: 'OMPI_COMM_WORLD_RANK',
  size: 'OMPI_COMM_WORLD_SIZE',
  localRank: 'OMPI_COMM_WORLD_LOCAL_RANK',
  localSize: 'OMPI_COMM_WORLD_LOCAL_SIZE',
  job: 'PMIX_NAMESPACE',
};
const PMI: Names = {
  kind: 'pmi',
  rank: 'PMI_RANK',
  size: 'PMI_SIZE',
  localRank: 'MPI_LOCALRANKID',
  localSize: 'MPI_LOCALNRANKS',
  job: 'PMI_JOBID',
};

/** @throws LockstepError E_LAUNCH if the two contradict each other, or one of them itself */
export function mpiPlace(env: Environment): JobPlace | undefined {
  const [own, pmi] = [placeBy(env, OPEN_MPI), placeBy(env, PMI)];
  if (own && pmi && own.rank !== pmi.rank)
    throw launchError(`${OPEN_MPI.rank} ${own.rank} contradicts ${PMI.rank} ${pmi.rank}`);
  return own ?? pmi;
}

function placeBy(env: Environment, names: Names): JobPlace | undefined {
  const rank = integerOf(env, names.rank);
  const worldSize = integerOf(env, names.size, 1);
  if (rank === undefined && worldSize === undefined) return undefined;
  if (rank === undefined || worldSize === undefined) {
    const [there, missing] = rank === undefined ? [names.size, names.rank] : [names.rank, names.size];
    throw launchError(
      `${there} is set, but ${missing} is not`,
      `set both or neither, or start it with mpirun`,
    );
  }
  checkRank({ name: names.rank, value: rank }, { name: names.size, value: worldSize });
  const localSize = integerOf(env, names.localSize, 1);
  const jobId = textOf(env, names.job);
  return {
    kind: names.kind,
    rank,
    worldSize,
    localRank: integerOf(env, names.localRank),
    localSize,
    // mpirun names no host of rank 0; elsewhere it says itself where it is, in the run folder.
    host: localSize === worldSize ? LOOPBACK : undefined,
    port: jobId === undefined ? undefined : portOfJob(jobId),
    jobId,
    requeueId: undefined,
    processors: undefined,
  };
}
