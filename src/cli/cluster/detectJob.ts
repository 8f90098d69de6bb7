/**
 * Which place this process has in its job, from the environment alone. Launchers nest: mpirun runs in an allocation of
 * Slurm, and torchrun in a task of either. The innermost one has started this process, so what it says counts.
 */

import { ALONE, portOfJob } from './jobPlace.js';
import type { JobPlace } from './jobPlace.js';
import { kubernetesPlace } from './kubernetes.js';
import { mpiPlace } from './mpi.js';
import { slurmAllocation, slurmPlace } from './slurm.js';
import { isOfTorchrun, torchrunPlace } from './torchrun.js';
import { firstOf, integerOf, launchError, portOf, textOf } from './variables.js';
import type { Environment } from './variables.js';

/** By flags. */
export interface GivenPlace {
  readonly rank?: number | undefined;
  readonly worldSize?: number | undefined;
  /** Of rank 0. */
  readonly coordinator?: { readonly host: string; readonly port: number } | undefined;
}

/**
 * @param given wins over the environment
 * @throws LockstepError E_LAUNCH for an environment that says nothing certain, naming its variables
 */
export function detectJob(env: Environment, hostname: string, given: GivenPlace = {}): JobPlace {
  const place = given.rank === undefined ? placeIn(env, hostname) : givenPlace(given.rank);
  if (place.kind === 'alone') refusePlaceWithoutRank(given);
  const worldSize = given.worldSize ?? place.worldSize;
  refuseRankBeyond(worldSize, place.rank);
  if (place.kind === 'given' && place.rank > 0 && given.coordinator === undefined)
    throw launchError(`--rank ${place.rank} needs --coordinator HOST:PORT`, 'give the address of rank 0');
  return { ...place, worldSize, ...(given.coordinator ?? {}) };
}

/** Every process would take itself for the only one, or for rank 0. */
function refusePlaceWithoutRank({ worldSize = 1, coordinator }: GivenPlace): void {
  if (worldSize === 1 && coordinator === undefined) return;
  const what = worldSize === 1 ? '--coordinator' : `--world-size ${worldSize}`;
  throw launchError(
    `${what} needs --rank N, and no scheduler says which process this is`,
    'give each process its rank, from 0 on',
  );
}

function refuseRankBeyond(worldSize: number | undefined, rank: number): void {
  if (worldSize === undefined || rank < worldSize) return;
  const range = worldSize === 1 ? 'the only rank is 0' : `ranks go from 0 to ${worldSize - 1}`;
  throw launchError(`rank ${rank} contradicts --world-size ${worldSize}`, range);
}

function givenPlace(rank: number): JobPlace {
  const unknown = { localRank: undefined, localSize: undefined, worldSize: undefined };
  return { ...ALONE, ...unknown, kind: 'given', rank };
}

function placeIn(env: Environment, hostname: string): JobPlace {
  const torch = torchrunPlace(env);
  if (torch && (isOfTorchrun(env) || isNoSlurmTask(env))) return withAllocation(env, withHost(torch));
  const scheduler = schedulersPlace(env, hostname);
  if (torch === undefined) {
    if (scheduler) return atMaster(env, scheduler);
    refuseSizeAlone(env);
    return ALONE;
  }
  if (scheduler === undefined || scheduler.worldSize === 1) return withHost(torch);
  return byHand(torch, scheduler);
}

/** mpirun before Slurm, which gives it the hosts. */
function schedulersPlace(env: Environment, hostname: string): JobPlace | undefined {
  const mpi = mpiPlace(env);
  if (mpi) return withAllocation(env, mpi);
  return slurmPlace(env) ?? kubernetesPlace(env, hostname);
}

/** In an allocation of Slurm, but not started by srun. */
function isNoSlurmTask(env: Environment): boolean {
  return slurmAllocation(env) !== undefined && firstOf(env, 'SLURM_STEP_ID', 'SLURM_STEPID') === undefined;
}

/** What a launcher within an allocation of Slurm does not know itself. */
function withAllocation(env: Environment, place: JobPlace): JobPlace {
  const allocation = slurmAllocation(env);
  if (!allocation) return place;
  const { host, jobId, requeueId } = allocation;
  const port = place.port ?? (jobId === undefined ? undefined : portOfJob(jobId));
  return { ...place, host: place.host ?? host, port, jobId: place.jobId ?? jobId, requeueId };
}

/** Scripts often say by MASTER_ADDR and MASTER_PORT where rank 0 is, whatever started them. */
function atMaster(env: Environment, place: JobPlace): JobPlace {
  return {
    ...place,
    host: textOf(env, 'MASTER_ADDR') ?? place.host,
    port: portOf(env, 'MASTER_PORT') ?? place.port,
  };
}

/** A user's own script has set RANK and WORLD_SIZE: from what the scheduler says, and so the same. */
function byHand(torch: JobPlace, scheduler: JobPlace): JobPlace {
  const differ = (what: string, own: unknown, other: unknown): Error =>
    launchError(
      `${what} ${String(own)} contradicts ${scheduler.kind}, which says ${String(other)}`,
      `unset RANK and WORLD_SIZE, set them in each process, or give --rank, --world-size and --coordinator`,
    );
  const { rank, worldSize } = scheduler;
  if (torch.rank !== rank) throw differ('RANK', torch.rank, `${NAMES[scheduler.kind]?.[0]} ${rank}`);
  if (worldSize !== undefined && torch.worldSize !== worldSize)
    throw differ('WORLD_SIZE', torch.worldSize, `${NAMES[scheduler.kind]?.[1]} ${worldSize}`);
  return {
    ...scheduler,
    worldSize: torch.worldSize,
    host: torch.host ?? scheduler.host,
    port: torch.port ?? scheduler.port,
  };
}

const NAMES: Partial<Record<JobPlace['kind'], readonly [string, string]>> = {
  slurm: ['SLURM_PROCID', 'SLURM_NTASKS'],
  openmpi: ['OMPI_COMM_WORLD_RANK', 'OMPI_COMM_WORLD_SIZE'],
  pmi: ['PMI_RANK', 'PMI_SIZE'],
  kubernetes: ['JOB_COMPLETION_INDEX', 'WORLD_SIZE'],
};

function withHost(torch: JobPlace): JobPlace {
  if (torch.worldSize === 1 || torch.host !== undefined) return torch;
  throw launchError(
    `RANK (or PET_NODE_RANK) is set, but MASTER_ADDR (or PET_MASTER_ADDR) does not say where rank 0 is`,
    'set it, or give --coordinator HOST:PORT',
  );
}

/** @throws LockstepError E_LAUNCH: several processes would each train on their own */
function refuseSizeAlone(env: Environment): void {
  const size = integerOf(env, 'WORLD_SIZE', 1);
  if (size !== undefined && size > 1)
    throw launchError(`WORLD_SIZE is ${size}, but RANK is not set`, 'set RANK too, or unset WORLD_SIZE');
}
