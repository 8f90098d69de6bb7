/** What the line of a job and its place in the job say together. */

import path from 'node:path';
import type { Command } from 'commander';
import type { ValuesOf } from '../../foundation/options/definition.js';
import type { DOOR_SETTINGS, TrainingOptions } from '../../session/index.js';
import { defaultThreads } from '../../worker/index.js';
import type { JobPlace } from '../cluster/jobPlace.js';
import { givenRunDir } from '../options/runOptions.js';

export interface LaunchOptions extends Pick<
  ValuesOf<typeof DOOR_SETTINGS>,
  'tlsCert' | 'tlsKey' | 'maxNodes' | 'minWorkers' | 'waitTimeout' | 'heartbeatTimeout'
> {
  readonly token?: string;
  readonly tokenFile?: string;
  readonly runDir?: string;
  readonly resume?: string;
  readonly requeue?: boolean;
}

/** Where rank 0 listens if neither a job's id nor anything else says a port. */
export const DEFAULT_PORT = 7070;

/** Where the job's run lies: all its processes find the same folder. */
export function runDirOf(command: Command, { kind, jobId }: JobPlace): string | undefined {
  const { resume } = command.opts<LaunchOptions>();
  const name = `${kind}-${(jobId ?? '').replace(/[^\w.-]/g, '_')}`;
  const ofJob = jobId === undefined ? undefined : path.join('runs', name);
  return (resume === 'auto' ? undefined : resume) ?? givenRunDir(command) ?? ofJob;
}

/** What was given, or what this process may use of the host's cores. */
export function workersOf({ given, workers }: TrainingOptions, { processors, localSize }: JobPlace): number {
  if (given.has('workers')) return workers;
  const cores = defaultThreads();
  return processors === undefined
    ? Math.max(1, Math.floor(cores / (localSize ?? 1)))
    : Math.min(processors, cores);
}

export function inUrl(host: string): string {
  return host.includes(':') && !host.startsWith('[') ? `[${host}]` : host;
}
