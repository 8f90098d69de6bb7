/** An Indexed Job or a JobSet of Kubernetes: each pod has its index, and nothing says how many there are. */

import type { JobPlace } from './jobPlace.js';
import { checkRank, integerOf, launchError, portOf, textOf } from './variables.js';
import type { Environment } from './variables.js';

const INDEX = 'JOB_COMPLETION_INDEX';
/** Each pod has an address of its own, so no two jobs share a port. */
const PORT = 7070;

/**
 * @param hostname `train-2` for pod 2 of the job `train`
 * @throws LockstepError E_LAUNCH if nothing says where pod 0 is
 */
export function kubernetesPlace(env: Environment, hostname: string): JobPlace | undefined {
  const rank = integerOf(env, INDEX);
  if (rank === undefined) return undefined;
  const worldSize = integerOf(env, 'WORLD_SIZE', 1);
  checkRank({ name: INDEX, value: rank }, { name: 'WORLD_SIZE', value: worldSize });
  const job = jobOf(hostname, rank);
  const host = textOf(env, 'MASTER_ADDR') ?? textOf(env, 'PET_MASTER_ADDR');
  if (host === undefined && rank > 0)
    throw launchError(
      `${INDEX} is ${rank}, but MASTER_ADDR does not say where pod 0 is`,
      `set MASTER_ADDR to its name in the job's headless Service, such as ${job ?? 'JOB'}-0.SERVICE, or give --coordinator`,
    );
  return {
    kind: 'kubernetes',
    rank,
    worldSize,
    localRank: 0,
    localSize: 1,
    host,
    port: portOf(env, 'MASTER_PORT') ?? PORT,
    jobId: job,
    requeueId: undefined,
    processors: undefined,
  };
}

function jobOf(hostname: string, index: number): string | undefined {
  const [name] = hostname.split('.');
  const end = `-${index}`;
  return name!.endsWith(end) && name !== end ? name!.slice(0, -end.length) : undefined;
}
