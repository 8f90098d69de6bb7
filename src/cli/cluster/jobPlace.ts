/** The place of this process in a job of several processes. */

import { crc32Of } from '../../foundation/crc32.js';

export type JobKind = 'slurm' | 'openmpi' | 'pmi' | 'torchrun' | 'kubernetes' | 'given' | 'alone';

export interface JobPlace {
  readonly kind: JobKind;
  /** From 0; rank 0 coordinates. */
  readonly rank: number;
  /** Processes of the job; undefined if nothing says it. */
  readonly worldSize: number | undefined;
  /** From 0, among the processes of the job on this host. */
  readonly localRank: number | undefined;
  /** Processes of the job on this host. */
  readonly localSize: number | undefined;
  /** The host of rank 0; undefined if only rank 0 knows. */
  readonly host: string | undefined;
  /** Where rank 0 listens; undefined if neither the environment nor a job's id says it. */
  readonly port: number | undefined;
  /** What the scheduler calls the job; undefined if it has no name. */
  readonly jobId: string | undefined;
  /** What `scontrol requeue` calls the job, under Slurm. */
  readonly requeueId: string | undefined;
  /** Processors that the scheduler gave this process. */
  readonly processors: number | undefined;
}

export const ALONE: JobPlace = {
  kind: 'alone',
  rank: 0,
  worldSize: 1,
  localRank: 0,
  localSize: 1,
  host: undefined,
  port: undefined,
  jobId: undefined,
  requeueId: undefined,
  processors: undefined,
};

/** Below the ports that systems hand out by themselves, from 32768, and those of Kubernetes' nodes, from 30000. */
const FIRST_PORT = 20_000;
const PORTS = 10_000;
const crc32 = crc32Of(0xedb88320);

/** The same for every process of a job, and seldom that of another job. */
export function portOfJob(jobId: string): number {
  return FIRST_PORT + (crc32(Buffer.from(jobId)) % PORTS);
}

/** Whether all processes of the job are on this host. */
export function isOnOneHost({ worldSize, localSize }: JobPlace): boolean {
  return worldSize !== undefined && worldSize === localSize;
}

/** Such as `rank 1 of 4 (slurm, job 4711)`. */
export function describePlace({ kind, rank, worldSize, jobId }: JobPlace): string {
  const where = jobId === undefined ? kind : `${kind}, job ${jobId}`;
  return `rank ${rank}${worldSize === undefined ? '' : ` of ${worldSize}`} (${where})`;
}
