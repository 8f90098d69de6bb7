/**
 * The variables of torch.distributed: `RANK`, `WORLD_SIZE`, `MASTER_ADDR` and `MASTER_PORT`, which torchrun sets, Kubeflow's
 * PyTorchJob, and many a script of a user's own; and Kubeflow's `PET_…`, which torchrun would read.
 */

import { portOfJob } from './jobPlace.js';
import type { JobPlace } from './jobPlace.js';
import { checkRank, integerOf, launchError, portOf, textOf } from './variables.js';
import type { Environment } from './variables.js';

const HIGHEST_PORT = 65_535;
const SET_ALL = 'set RANK, WORLD_SIZE and MASTER_ADDR, or none of them';

/** Whether torchrun has started this process: what it says is about the processes that it started, whoever started it. */
export function isOfTorchrun(env: Environment): boolean {
  return textOf(env, 'TORCHELASTIC_RUN_ID') !== undefined;
}

/** @throws LockstepError E_LAUNCH if some of the variables are missing, or contradict each other */
export function torchrunPlace(env: Environment): JobPlace | undefined {
  const rank = integerOf(env, 'RANK');
  const worldSize = integerOf(env, 'WORLD_SIZE', 1);
  const node = integerOf(env, 'PET_NODE_RANK');
  if (rank === undefined) return node === undefined ? undefined : placeOfNode(env, node);
  if (worldSize === undefined) throw launchError('RANK is set, but WORLD_SIZE is not', SET_ALL);
  checkRank({ name: 'RANK', value: rank }, { name: 'WORLD_SIZE', value: worldSize });
  if (node !== undefined && node !== rank && !isOfTorchrun(env))
    throw launchError(`RANK ${rank} contradicts PET_NODE_RANK ${node}`);
  return {
    ...common(env, textOf(env, 'MASTER_ADDR'), masterPort(env)),
    rank,
    worldSize,
    localRank: integerOf(env, 'LOCAL_RANK'),
    localSize: integerOf(env, 'LOCAL_WORLD_SIZE', 1),
  };
}

/** One process for each node, in place of torchrun. */
function placeOfNode(env: Environment, rank: number): JobPlace {
  // `2:4`, from 2 to 4 nodes, says no number.
  const nodes = /^\d+:\d+$/.test(textOf(env, 'PET_NNODES') ?? '') ? undefined : 'PET_NNODES';
  const worldSize = integerOf(env, nodes, 1);
  checkRank({ name: 'PET_NODE_RANK', value: rank }, { name: 'PET_NNODES', value: worldSize });
  const port = portOf(env, 'PET_MASTER_PORT');
  return {
    ...common(env, textOf(env, 'PET_MASTER_ADDR'), port),
    rank,
    worldSize,
    localRank: 0,
    localSize: 1,
  };
}

function common(
  env: Environment,
  host: string | undefined,
  port: number | undefined,
): Pick<JobPlace, 'kind' | 'host' | 'port' | 'jobId' | 'requeueId' | 'processors'> {
  const run = textOf(env, 'TORCHELASTIC_RUN_ID');
  const jobId = run === undefined || run === 'none' ? undefined : run; // torchrun's word for "not given"
  return {
    kind: 'torchrun',
    host,
    port: port ?? (jobId === undefined ? undefined : portOfJob(jobId)),
    jobId,
    requeueId: undefined,
    processors: undefined,
  };
}

/** torchrun itself may listen at MASTER_PORT, and says so; then the next port is used. */
function masterPort(env: Environment): number | undefined {
  const port = portOf(env, 'MASTER_PORT');
  if (port === undefined || textOf(env, 'TORCHELASTIC_USE_AGENT_STORE') !== 'True') return port;
  return port < HIGHEST_PORT ? port + 1 : port - 1;
}
