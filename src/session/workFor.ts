/** Takes part in a run of another machine, for as long as it lasts. */

import type { Sentence } from '../foundation/options/optionError.js';
import { chooseEngine } from '../engine/index.js';
import type { EngineDescription } from '../engine/index.js';
import { ComputePool, serveCoordinator } from '../worker/index.js';
import type { ServeOptions } from '../worker/index.js';
import { threadsFor, withTuning } from './engineThreads.js';
import type { WorkerSettings } from './options/nodeSettings.js';

/** As the protocol allows. */
const LONGEST_NAME = 200;

type Served = Omit<ServeOptions, 'pool' | 'description' | 'nodeName' | 'retryForMs' | 'heartbeatTimeoutMs'>;

export interface WorkOptions extends Omit<WorkerSettings, 'name'>, Served {
  readonly name: string;
  /** Whether `threads` was given; else it is one for each core. */
  readonly isThreadsGiven: boolean;
  readonly cacheFolder?: string | undefined;
  readonly onNotice: (message: Sentence) => void;
  /** Told when the threads are up, before the coordinator is called. */
  readonly onReady: (description: EngineDescription, threads: number) => void;
}

/** @returns why the coordinator let this node go */
export async function workFor(options: WorkOptions): Promise<string> {
  const { engine, numerics, device, precision, tune, cacheFolder } = options;
  const chosen = await chooseEngine(engine, numerics, device, precision);
  const { notice, ...choice } = withTuning(chosen, { tune, cacheFolder });
  if (notice !== undefined) options.onNotice(notice);
  const threads = threadsFor(choice, options.threads, options.isThreadsGiven);
  const pool = new ComputePool(choice, threads);
  try {
    const description = await pool.describe();
    options.onReady(description, threads);
    return await serveCoordinator({
      ...options,
      nodeName: options.name.slice(0, LONGEST_NAME),
      retryForMs: 1000 * options.retryFor,
      heartbeatTimeoutMs: 1000 * options.heartbeatTimeout,
      pool,
      description,
    });
  } finally {
    await pool.close();
  }
}
