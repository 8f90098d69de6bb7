/** What Slurm tells the tasks of a job step: https://slurm.schedmd.com/srun.html, "output environment variables". */

import { portOfJob } from './jobPlace.js';
import type { JobPlace } from './jobPlace.js';
import { expandNodeList, tasksOfNode } from './nodeList.js';
import { checkRank, firstOf, integerOf, launchError, textOf } from './variables.js';
import type { Environment } from './variables.js';

/** Of the allocation, also where another launcher has started this process within it. */
export type Allocation = Pick<JobPlace, 'host' | 'jobId' | 'requeueId'>;

export function slurmAllocation(env: Environment): Allocation | undefined {
  const id = firstOf(env, 'SLURM_JOB_ID', 'SLURM_JOBID');
  if (id === undefined) return undefined;
  const [array, task] = [textOf(env, 'SLURM_ARRAY_JOB_ID'), textOf(env, 'SLURM_ARRAY_TASK_ID')];
  const jobId = array === undefined || task === undefined ? textOf(env, id)! : `${array}_${task}`;
  return { jobId, requeueId: jobId, host: firstHostOf(env) };
}

/** @throws LockstepError E_LAUNCH for a process that is in an allocation of several tasks, and is none of them */
export function slurmPlace(env: Environment): JobPlace | undefined {
  const allocation = slurmAllocation(env);
  if (allocation === undefined) return undefined;
  const step = firstOf(env, 'SLURM_STEP_ID', 'SLURM_STEPID');
  const size = sizeName(env, step !== undefined);
  const worldSize = integerOf(env, size, 1);
  const rank = integerOf(env, 'SLURM_PROCID');
  if (step === undefined || rank === undefined) {
    const nodes = integerOf(env, firstOf(env, 'SLURM_JOB_NUM_NODES', 'SLURM_NNODES'), 1) ?? 1;
    if (Math.max(worldSize ?? 1, nodes) > 1) throw notATask(env, size);
    return place(env, allocation, { rank: 0, worldSize: 1 });
  }
  if (worldSize === undefined)
    throw launchError(`SLURM_PROCID is set, but neither SLURM_STEP_NUM_TASKS nor SLURM_NTASKS`);
  checkRank({ name: 'SLURM_PROCID', value: rank }, { name: size!, value: worldSize });
  return place(env, allocation, { rank, worldSize, step: textOf(env, step) });
}

function sizeName(env: Environment, isInStep: boolean): string | undefined {
  return firstOf(env, ...(isInStep ? ['SLURM_STEP_NUM_TASKS'] : []), 'SLURM_NTASKS', 'SLURM_NPROCS');
}

interface Task {
  readonly rank: number;
  readonly worldSize: number;
  readonly step?: string | undefined;
}

function place(env: Environment, allocation: Allocation, { rank, worldSize, step }: Task): JobPlace {
  const tasks = firstOf(env, 'SLURM_STEP_TASKS_PER_NODE', 'SLURM_TASKS_PER_NODE');
  const node = integerOf(env, 'SLURM_NODEID') ?? 0;
  const localSize =
    worldSize === 1 ? 1 : tasks === undefined ? undefined : tasksOfNode(textOf(env, tasks)!, node);
  // The number that Slurm gives each task of an array, too: two of them may share a host.
  const number = textOf(env, firstOf(env, 'SLURM_JOB_ID', 'SLURM_JOBID')!);
  return {
    kind: 'slurm',
    rank,
    worldSize,
    localRank: integerOf(env, 'SLURM_LOCALID'),
    localSize,
    ...allocation,
    port: portOfJob(`${number}.${step ?? 'batch'}`),
    processors: integerOf(env, 'SLURM_CPUS_PER_TASK', 1),
  };
}

/** @throws LockstepError E_LAUNCH if the list cannot be read */
function firstHostOf(env: Environment): string | undefined {
  const name = firstOf(env, 'SLURM_STEP_NODELIST', 'SLURM_JOB_NODELIST', 'SLURM_NODELIST');
  if (name === undefined) return undefined;
  const list = textOf(env, name)!;
  const hosts = expandNodeList(list);
  if (hosts === undefined)
    throw launchError(`${name} ${JSON.stringify(list)} must be a list of hosts, such as n[1-2,5]`);
  return hosts[0];
}

function notATask(env: Environment, size: string | undefined): Error {
  const nodes = firstOf(env, 'SLURM_JOB_NUM_NODES', 'SLURM_NNODES');
  const asked = [size, nodes].flatMap((name) =>
    name === undefined ? [] : [`${name} is ${textOf(env, name)}`],
  );
  return launchError(
    `${asked.join(' and ')}, but this process is no task of a step: SLURM_STEP_ID and SLURM_PROCID do not both say one`,
    'start it with srun, or give --rank, --world-size and --coordinator',
  );
}
