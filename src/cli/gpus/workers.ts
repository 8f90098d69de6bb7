/** One worker process for each GPU: CUDA_VISIBLE_DEVICES, which gives a process its GPU, holds for a whole process. */

import { hostname } from 'node:os';
import { fileURLToPath } from 'node:url';
import { chooseEngine } from '../../engine/index.js';
import type { EngineName, Precision } from '../../engine/index.js';
import { LockstepError } from '../../foundation/errors.js';
import { chooseGpus } from './choose.js';
import { listGpus } from './list.js';
import type { Gpu } from './list.js';
import type { ChildSpec } from './supervisor.js';

const BIN = fileURLToPath(new URL('../../../bin/lockstep', import.meta.url));

export interface GpuWorkers {
  readonly gpus: readonly Gpu[];
  readonly engine: EngineName;
}

/**
 * What `--gpus` asks for, once it is sure that it can be had.
 * @param requested the engine that the user named, or `auto`
 * @throws LockstepError E_OPTION, E_ENGINE_UNAVAILABLE
 */
export async function resolveGpuWorkers(
  text: string,
  requested: EngineName | 'auto',
  precision: Precision = 'f32',
): Promise<GpuWorkers> {
  const refused = precision === 'f32' ? undefined : `--precision ${precision}, which is of --engine webgpu`;
  if (requested === 'webgpu' || refused !== undefined) {
    throw new LockstepError(
      'E_OPTION',
      `--gpus counts CUDA’s devices, which --engine webgpu does not use${refused === undefined ? '' : `, and ${refused}, was given`}; leave one of them out`,
    );
  }
  const gpus = chooseGpus(text, listGpus(process.env));
  const { name } = await chooseEngine(requested === 'auto' ? 'tensorflow' : requested);
  return { gpus, engine: name };
}

export interface Attachment {
  readonly url: string;
  readonly token: string | undefined;
  /** More arguments of `lockstep worker`. */
  readonly more: readonly string[];
}

export function gpuWorkerSpecs({ gpus, engine }: GpuWorkers, { url, token, more }: Attachment): ChildSpec[] {
  const { LOCKSTEP_TOKEN: _inherited, ...inherited } = process.env;
  return gpus.map(({ index, uuid }) => ({
    name: `gpu${index}`,
    args: [BIN, 'worker', url, '--engine', engine, '--name', `${hostname()}:gpu${index}`, ...more],
    environment: {
      ...inherited,
      CUDA_VISIBLE_DEVICES: uuid,
      // Not on the command line, where other users could read it.
      ...(token === undefined ? {} : { LOCKSTEP_TOKEN: token }),
    },
  }));
}

export function describeGpus({ gpus, engine }: GpuWorkers): string {
  const list = gpus.map(({ index, name }) => `${index} (${name})`).join(', ');
  return `one worker process, engine ${engine}, for each of ${gpus.length} GPU(s): ${list}`;
}
