import { describe, expect, it } from 'vitest';
import { detectJob } from '../../../src/cli/cluster/detectJob.js';
import type { GivenPlace } from '../../../src/cli/cluster/detectJob.js';
import { isOnOneHost, portOfJob } from '../../../src/cli/cluster/jobPlace.js';

type Env = Readonly<Record<string, string>>;

const place = (env: Env, given: GivenPlace = {}, hostname = 'here') => detectJob(env, hostname, given);

function refusal(env: Env, given: GivenPlace = {}, hostname = 'here'): string {
  try {
    detectJob(env, hostname, given);
  } catch (error) {
    expect(error).toMatchObject({ name: 'LockstepError', code: 'E_LAUNCH' });
    return (error as Error).message;
  }
  throw new Error('was not refused');
}

// As Slurm 22.05 sets them for "srun -N2 -n4 -c2 --distribution=block", less what is of no concern.
const SLURM: Env = {
  SLURM_JOB_ID: '4711',
  SLURM_JOBID: '4711',
  SLURM_JOB_NODELIST: 'n[3-4,7]',
  SLURM_JOB_NUM_NODES: '3',
  SLURM_STEP_ID: '0',
  SLURM_STEP_NODELIST: 'n[4,7]',
  SLURM_STEP_NUM_TASKS: '4',
  SLURM_STEP_TASKS_PER_NODE: '3,1',
  SLURM_NTASKS: '4',
  SLURM_CPUS_PER_TASK: '2',
  SLURM_PROCID: '3',
  SLURM_LOCALID: '0',
  SLURM_NODEID: '1',
};
const BATCH: Env = {
  SLURM_JOB_ID: '4711',
  SLURM_JOB_NODELIST: 'n[3-4]',
  SLURM_JOB_NUM_NODES: '2',
  SLURM_NTASKS: '2',
  SLURM_PROCID: '0',
  SLURM_LOCALID: '0',
  SLURM_NODEID: '0',
};

describe('Slurm', () => {
  it('a task of a step', () => {
    expect(place(SLURM)).toEqual({
      kind: 'slurm',
      rank: 3,
      worldSize: 4,
      localRank: 0,
      localSize: 1,
      host: 'n4',
      port: portOfJob('4711.0'),
      jobId: '4711',
      requeueId: '4711',
      processors: 2,
    });
  });

  it('a task of an array is called JOB_TASK, and has a port of its own', () => {
    const array = { SLURM_ARRAY_JOB_ID: '4700', SLURM_ARRAY_TASK_ID: '11' };
    expect(place({ ...SLURM, ...array })).toMatchObject({
      jobId: '4700_11',
      requeueId: '4700_11',
      port: portOfJob('4711.0'),
    });
  });

  it('knows when all tasks are on one host', () => {
    const env = { ...SLURM, SLURM_STEP_TASKS_PER_NODE: '4', SLURM_NODEID: '0' };
    expect(isOnOneHost(place(env))).toBe(true);
    expect(isOnOneHost(place(SLURM))).toBe(false);
  });

  it('an allocation of one task is a world of one', () => {
    expect(place({ SLURM_JOB_ID: '1', SLURM_JOB_NODELIST: 'n1', SLURM_NNODES: '1' })).toMatchObject({
      rank: 0,
      worldSize: 1,
    });
  });

  it.each([
    ['a batch script without srun', BATCH, ['SLURM_NTASKS is 2', 'SLURM_STEP_ID', 'srun']],
    ['a rank beyond the step', { ...SLURM, SLURM_PROCID: '4' }, ['SLURM_PROCID 4', 'SLURM_STEP_NUM_TASKS 4']],
    ['a rank that is no number', { ...SLURM, SLURM_PROCID: 'one' }, ['SLURM_PROCID "one"']],
    ['a list that cannot be read', { ...SLURM, SLURM_STEP_NODELIST: 'n[1-' }, ['SLURM_STEP_NODELIST "n[1-"']],
    ['no size', { ...SLURM, SLURM_STEP_NUM_TASKS: '', SLURM_NTASKS: '' }, ['SLURM_PROCID', 'SLURM_NTASKS']],
  ])('refuses %s', (_, env, words) => {
    const message = refusal(env);
    for (const word of words) expect(message).toContain(word);
  });
});

// As Open MPI 4.1 sets them.
const OPEN_MPI: Env = {
  OMPI_COMM_WORLD_RANK: '2',
  OMPI_COMM_WORLD_SIZE: '3',
  OMPI_COMM_WORLD_LOCAL_RANK: '2',
  OMPI_COMM_WORLD_LOCAL_SIZE: '3',
  PMIX_NAMESPACE: '2837184513',
  PMIX_RANK: '2',
};

describe('mpirun', () => {
  it('of Open MPI, on one host', () => {
    expect(place(OPEN_MPI)).toMatchObject({
      kind: 'openmpi',
      rank: 2,
      worldSize: 3,
      localRank: 2,
      host: '127.0.0.1',
      port: portOfJob('2837184513'),
    });
  });

  it('on several hosts only rank 0 knows where it is', () => {
    expect(place({ ...OPEN_MPI, OMPI_COMM_WORLD_LOCAL_SIZE: '2' }).host).toBeUndefined();
    expect(
      place({ ...OPEN_MPI, OMPI_COMM_WORLD_LOCAL_SIZE: '2', MASTER_ADDR: 'n9', MASTER_PORT: '29500' }),
    ).toMatchObject({ host: 'n9', port: 29500 });
  });

  it('in an allocation of Slurm: ranks are mpirun’s, and the host is Slurm’s', () => {
    expect(place({ ...BATCH, ...OPEN_MPI, OMPI_COMM_WORLD_LOCAL_SIZE: '2' })).toMatchObject({
      kind: 'openmpi',
      rank: 2,
      worldSize: 3,
      host: 'n3',
      requeueId: '4711',
    });
  });

  it('of MPICH and Intel MPI', () => {
    const env = { PMI_RANK: '1', PMI_SIZE: '4', MPI_LOCALRANKID: '1', MPI_LOCALNRANKS: '2' };
    expect(place(env)).toMatchObject({ kind: 'pmi', rank: 1, worldSize: 4, localSize: 2, host: undefined });
  });

  it.each([
    [{ ...OPEN_MPI, PMI_RANK: '1', PMI_SIZE: '3' }, ['OMPI_COMM_WORLD_RANK 2', 'PMI_RANK 1']],
    [{ OMPI_COMM_WORLD_RANK: '0' }, ['OMPI_COMM_WORLD_RANK', 'OMPI_COMM_WORLD_SIZE']],
    [{ PMI_SIZE: '2' }, ['PMI_RANK', 'PMI_SIZE']],
    [{ PMI_RANK: '2', PMI_SIZE: '2' }, ['PMI_RANK 2', 'PMI_SIZE 2']],
  ])('refuses %o', (env, words) => {
    const message = refusal(env);
    for (const word of words) expect(message).toContain(word);
  });
});

const TORCH: Env = { RANK: '1', WORLD_SIZE: '2', MASTER_ADDR: 'trainer-0', MASTER_PORT: '29500' };

describe('torchrun and Kubeflow', () => {
  it('by RANK, WORLD_SIZE, MASTER_ADDR and MASTER_PORT', () => {
    expect(place({ ...TORCH, LOCAL_RANK: '1', LOCAL_WORLD_SIZE: '2' })).toMatchObject({
      kind: 'torchrun',
      rank: 1,
      worldSize: 2,
      localRank: 1,
      localSize: 2,
      host: 'trainer-0',
      port: 29500,
    });
  });

  it('leaves MASTER_PORT to a torchrun that listens there itself', () => {
    const env = { ...TORCH, TORCHELASTIC_RUN_ID: 'a-job', TORCHELASTIC_USE_AGENT_STORE: 'True' };
    expect(place(env)).toMatchObject({ port: 29501, jobId: 'a-job' });
  });

  it('in a task of Slurm: the ranks of torchrun count', () => {
    const env = { ...SLURM, ...TORCH, WORLD_SIZE: '8', RANK: '7', TORCHELASTIC_RUN_ID: 'none' };
    expect(place(env)).toMatchObject({ kind: 'torchrun', rank: 7, worldSize: 8, requeueId: '4711' });
  });

  it('set by a script from what Slurm says', () => {
    const env = { ...SLURM, RANK: '3', WORLD_SIZE: '4', MASTER_ADDR: 'n4-ib', MASTER_PORT: '1234' };
    expect(place(env)).toMatchObject({ kind: 'slurm', rank: 3, host: 'n4-ib', port: 1234 });
  });

  it('set by a script without srun', () => {
    expect(place({ ...BATCH, ...TORCH })).toMatchObject({ kind: 'torchrun', rank: 1, requeueId: '4711' });
  });

  it('by PET_NODE_RANK, where no torchrun runs', () => {
    const env = { PET_NODE_RANK: '2', PET_NNODES: '3', PET_MASTER_ADDR: 'train-0', PET_MASTER_PORT: '29400' };
    expect(place(env)).toMatchObject({ rank: 2, worldSize: 3, host: 'train-0', port: 29400 });
    expect(place({ ...env, PET_NNODES: '1:4' }).worldSize).toBeUndefined();
    expect(place({ ...env, JOB_COMPLETION_INDEX: '2' }, {}, 'train-2')).toMatchObject({
      rank: 2,
      worldSize: 3,
    });
  });

  it.each([
    [{ RANK: '0', MASTER_ADDR: 'a' }, ['RANK', 'WORLD_SIZE']],
    [{ WORLD_SIZE: '2' }, ['WORLD_SIZE is 2', 'RANK']],
    [{ RANK: '1', WORLD_SIZE: '2' }, ['MASTER_ADDR']],
    [{ ...TORCH, RANK: '2' }, ['RANK 2', 'WORLD_SIZE 2']],
    [{ ...TORCH, MASTER_PORT: '70000' }, ['MASTER_PORT 70000']],
    [{ ...TORCH, PET_NODE_RANK: '0', PET_NNODES: '2' }, ['RANK 1', 'PET_NODE_RANK 0']],
    // A script that exports them once, for all tasks: each would be rank 0.
    [{ ...SLURM, RANK: '0', WORLD_SIZE: '4', MASTER_ADDR: 'n4' }, ['RANK 0', 'SLURM_PROCID 3']],
    [{ ...SLURM, RANK: '3', WORLD_SIZE: '8', MASTER_ADDR: 'n4' }, ['WORLD_SIZE 8', 'SLURM_NTASKS 4']],
    [{ ...OPEN_MPI, RANK: '0', WORLD_SIZE: '3' }, ['RANK 0', 'OMPI_COMM_WORLD_RANK 2']],
  ])('refuses %o', (env, words) => {
    const message = refusal(env);
    for (const word of words) expect(message).toContain(word);
  });
});

describe('Kubernetes', () => {
  it('a pod of an Indexed Job', () => {
    const env = { JOB_COMPLETION_INDEX: '2', MASTER_ADDR: 'train-0.train' };
    expect(place(env, {}, 'train-2')).toMatchObject({
      kind: 'kubernetes',
      rank: 2,
      worldSize: undefined,
      host: 'train-0.train',
      port: 7070,
      jobId: 'train',
    });
    expect(place({ ...env, WORLD_SIZE: '3' }, {}, 'train-2').worldSize).toBe(3);
  });

  it('refuses a pod that does not know where pod 0 is, with its name', () => {
    expect(refusal({ JOB_COMPLETION_INDEX: '2' }, {}, 'train-2')).toMatch(/MASTER_ADDR.*train-0\.SERVICE/);
  });
});

describe('flags', () => {
  const coordinator = { host: 'n1', port: 7070 };

  it('win over the environment', () => {
    expect(place(SLURM, { rank: 1, worldSize: 2, coordinator })).toMatchObject({
      kind: 'given',
      rank: 1,
      worldSize: 2,
      host: 'n1',
      port: 7070,
    });
    expect(place(SLURM, { coordinator })).toMatchObject({ kind: 'slurm', rank: 3, host: 'n1', port: 7070 });
  });

  it('may leave out how many ranks there are', () => {
    expect(place({}, { rank: 0 }).worldSize).toBeUndefined();
  });

  it('refuses a size or an address without a rank, where nothing says which process this is', () => {
    expect(refusal({}, { worldSize: 4 })).toContain('--world-size 4 needs --rank N');
    expect(refusal({}, { coordinator })).toContain('--coordinator needs --rank N');
    expect(place({}, { worldSize: 1 })).toMatchObject({ kind: 'alone' });
    expect(place(SLURM, { worldSize: 4, coordinator })).toMatchObject({ kind: 'slurm', rank: 3 });
  });

  it('refuses a rank without rank 0’s address, and one that is too high', () => {
    expect(refusal({}, { rank: 1 })).toContain('--coordinator');
    expect(refusal({}, { rank: 2, worldSize: 2, coordinator })).toContain(
      '--world-size 2; ranks go from 0 to 1',
    );
    expect(refusal({}, { rank: 3, worldSize: 2 }), 'before what else is missing').toContain('--world-size 2');
  });
});

it('without a scheduler it is a world of one', () => {
  expect(place({ MASTER_ADDR: 'left-over' })).toMatchObject({ kind: 'alone', rank: 0, worldSize: 1 });
});

it('derives ports that the system does not hand out by itself', () => {
  const ports = Array.from({ length: 2000 }, (_, job) => portOfJob(`${job}.0`));
  expect(Math.min(...ports)).toBeGreaterThanOrEqual(20_000);
  expect(Math.max(...ports)).toBeLessThan(30_000);
  expect(new Set(ports).size).toBeGreaterThan(1700); // neighbours seldom share one
});
