/** The NVIDIA GPUs of this machine, as the driver lists them. */

import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { LockstepError } from '../../../foundation/errors.js';

export interface Gpu {
  /** Counted from 0 by the driver. */
  readonly index: number;
  readonly name: string;
  /** `GPU-…`: names the same GPU to every library, whatever its order of counting. */
  readonly uuid: string;
}

const QUERY = ['--query-gpu=index,name,uuid', '--format=csv,noheader'];
const QUERY_TIMEOUT_MS = 30_000;
const DRIVER_FOLDER = '/proc/driver/nvidia/gpus';

/**
 * Those that CUDA_VISIBLE_DEVICES leaves visible, if it is set.
 * @throws LockstepError E_ENGINE_UNAVAILABLE if there is none
 */
export function listGpus(environment: NodeJS.ProcessEnv): Gpu[] {
  const visible = environment['CUDA_VISIBLE_DEVICES'];
  const all = askDriver() ?? readDriverFolder(DRIVER_FOLDER) ?? [];
  if (all.length === 0) {
    throw new LockstepError(
      'E_ENGINE_UNAVAILABLE',
      '--gpus found no NVIDIA GPU (nvidia-smi lists none, and the driver has no folder in /proc); ' +
        'install the NVIDIA driver, see docs/gpu.md, or leave --gpus out',
    );
  }
  const gpus = visible === undefined ? all : keepVisible(all, visible);
  if (gpus.length > 0) return gpus;
  throw new LockstepError(
    'E_ENGINE_UNAVAILABLE',
    `CUDA_VISIBLE_DEVICES=${visible} hides every NVIDIA GPU of this machine from --gpus; unset it`,
  );
}

function askDriver(): Gpu[] | undefined {
  const { status, stdout } = spawnSync('nvidia-smi', QUERY, { encoding: 'utf8', timeout: QUERY_TIMEOUT_MS });
  return status === 0 ? parseQuery(stdout) : undefined;
}

/** Lines such as `0, NVIDIA H100 80GB HBM3, GPU-2f…`; anything else that the program says is no GPU. */
export function parseQuery(text: string): Gpu[] {
  return text.split('\n').flatMap((line) => {
    const match = /^\s*(\d+), (.+), (\S+)\s*$/.exec(line);
    return match ? [{ index: Number(match[1]), name: match[2]!, uuid: match[3]! }] : [];
  });
}

/** The same from the kernel's side, where nvidia-smi is missing, as in some containers. */
export function readDriverFolder(folder: string): Gpu[] | undefined {
  if (!existsSync(folder)) return undefined;
  const found = readdirSync(folder)
    .sort()
    .map((address) => readInformation(path.join(folder, address, 'information')));
  return found.flatMap((gpu, index) => (gpu ? [{ index, ...gpu }] : []));
}

function readInformation(file: string): Omit<Gpu, 'index'> | undefined {
  if (!existsSync(file)) return undefined;
  const text = readFileSync(file, 'utf8');
  const uuid = /^GPU UUID:\s*(GPU-\S+)/m.exec(text)?.[1];
  const name = /^Model:\s*(.+?)\s*$/m.exec(text)?.[1];
  return uuid === undefined ? undefined : { uuid, name: name ?? 'NVIDIA GPU' };
}

/** CUDA's rule: indices or beginnings of UUIDs; the first that names nothing ends the list. */
function keepVisible(all: readonly Gpu[], visible: string): Gpu[] {
  const kept: Gpu[] = [];
  for (const word of visible.split(',').map((part) => part.trim())) {
    const gpu = all.find(({ index, uuid }) =>
      /^\d+$/.test(word) ? index === Number(word) : word !== '' && uuid.startsWith(word),
    );
    if (gpu === undefined) break;
    kept.push(gpu);
  }
  return kept;
}
