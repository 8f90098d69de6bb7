/** One worker process for each GPU: CUDA_VISIBLE_DEVICES, which gives a process its GPU, holds for a whole process. */

import { hostname } from 'node:os';
import { fileURLToPath } from 'node:url';
import { chooseEngine } from '../../../engine/index.js';
import type { EngineName, Numerics, Precision } from '../../../engine/index.js';
import { LockstepError } from '../../../foundation/errors.js';
import { chooseGpus } from './choose.js';
import { listGpus } from './list.js';
import type { Gpu } from './list.js';
import type { ChildSpec } from './supervisor.js';

const BIN = fileURLToPath(new URL('../../../../bin/lockstep', import.meta.url));

export interface GpuWorkers {
  readonly gpus: readonly Gpu[];
  readonly engine: EngineName;
  readonly numerics: Numerics;
}

/** What each process is to compute with, as the user asked for it. */
export interface RequestedEngine {
  readonly engine: EngineName | 'auto';
  readonly numerics: Numerics;
  readonly device?: string | undefined;
  readonly precision?: Precision | undefined;
}

/**
 * What `--gpus` asks for, once it is sure that it can be had.
 * @throws LockstepError E_OPTION, E_ENGINE_UNAVAILABLE
 */
export async function resolveGpuWorkers(text: string, requested: RequestedEngine): Promise<GpuWorkers> {
  const { engine, numerics } = requested;
  const ofWebgpu = optionOfWebgpu(requested);
  if (ofWebgpu !== undefined) {
    throw new LockstepError(
      'E_OPTION',
      `--gpus counts CUDA’s devices, which ${ofWebgpu} does not use; leave one of them out${engine === 'webgpu' ? ', or give --engine tensorflow' : ''}`,
    );
  }
  const gpus = chooseGpus(text, listGpus(process.env));
  const { name } = await chooseEngine(engine === 'auto' ? 'tensorflow' : engine, numerics);
  return { gpus, engine: name, numerics };
}

/** What was asked for that only the engine webgpu has. */
function optionOfWebgpu({ engine, device, precision = 'f32' }: RequestedEngine): string | undefined {
  if (engine === 'webgpu') return '--engine webgpu';
  if (device !== undefined) return `--device ${device}, of --engine webgpu,`;
  return precision === 'f32' ? undefined : `--precision ${precision}, of --engine webgpu,`;
}

export interface Attachment {
  readonly url: string;
  readonly token: string | undefined;
  /** Before the GPU's own name; the host's name if left out. */
  readonly name?: string | undefined;
  /** More arguments of `lockstep worker`. */
  readonly more: readonly string[];
}

export function gpuWorkerSpecs(
  { gpus, engine, numerics }: GpuWorkers,
  { url, token, name = hostname(), more }: Attachment,
): ChildSpec[] {
  const engineArgs = ['--engine', engine, '--numerics', numerics];
  const { LOCKSTEP_TOKEN: _inherited, ...inherited } = process.env;
  return gpus.map(({ index, uuid }) => ({
    name: `gpu${index}`,
    args: [BIN, 'worker', url, ...engineArgs, '--name', `${name}:gpu${index}`, ...more],
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
