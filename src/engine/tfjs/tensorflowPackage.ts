/** Where TensorFlow's binding lies, whether it loads, and what mends it if not. */

import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { EngineAvailability } from '../engine.js';
import { importPackage, locatePackage, probe } from './optionalPackage.js';

/** CUDA first, where somebody has installed both beside Lockstep. */
const PACKAGES = ['@tensorflow/tfjs-node-gpu', '@tensorflow/tfjs-node'] as const;
/** There where the kernel has NVIDIA's driver. */
const DRIVER = '/proc/driver/nvidia';

export interface FoundPackage {
  readonly url: string;
  readonly tensorflowVersion: string;
  readonly usesGpu: boolean;
}

type NotFound = Extract<EngineAvailability, { available: false }>;

/** The first of the packages that loads; each is tried in a process of its own. */
export async function findTensorflow(): Promise<FoundPackage | NotFound> {
  const failures: string[] = [];
  for (const { url, name } of candidates()) {
    const result = await probe<Omit<FoundPackage, 'url'>>(`await (async () => {
      process.env.TF_CPP_MIN_LOG_LEVEL ??= '3';
      (${restoreRemovedFunctions.toString()})(await load('node:util'));
      const backend = (await load(${JSON.stringify(url)})).backend();
      return { tensorflowVersion: backend.binding.TF_Version, usesGpu: backend.isUsingGpuDevice };
    })()`);
    if (result.succeeded) return { ...result.report, url };
    failures.push(`${name} does not load: ${result.reason}`);
  }
  if (failures.length > 0)
    return { available: false, reason: failures.join('; '), remedy: setupCommand('--force') };
  return { available: false, reason: 'TensorFlow is not set up', remedy: setupCommand() };
}

/** The one command that mends it on this machine. */
function setupCommand(...flags: readonly string[]): string {
  const all = [...(existsSync(DRIVER) ? ['--gpu'] : []), ...flags];
  return ['npm run setup:tensorflow', ...(all.length > 0 ? ['--', ...all] : [])].join(' ');
}

/** Imports the package into this thread. */
export async function importTensorflow<Exports>(url: string): Promise<Exports> {
  restoreRemovedFunctions(createRequire(import.meta.url)('node:util') as Record<string, unknown>);
  return importPackage<Exports>(url);
}

/** tfjs-node 4.22 calls two functions of `util` that are deprecated, or gone since Node 23. Its source goes to the probe. */
function restoreRemovedFunctions(util: Record<string, unknown>): void {
  util['isNullOrUndefined'] = (value: unknown) => value === null || value === undefined;
  util['isArray'] = Array.isArray;
}

interface Candidate {
  readonly name: string;
  readonly url: string;
}

/**
 * What lies in LOCKSTEP_TENSORFLOW_DIR and nothing else, if that is set; else what `npm run setup:tensorflow` made, then
 * what npm installed beside Lockstep.
 */
function candidates(): Candidate[] {
  // eslint-disable-next-line no-restricted-properties -- a place on this machine, as TensorFlow's own variables name it
  const override = process.env['LOCKSTEP_TENSORFLOW_DIR'];
  if (override !== undefined && override !== '') return candidatesIn(path.resolve(override));
  const ownFolder = setupFolder();
  return [
    ...(ownFolder === undefined ? [] : candidatesIn(ownFolder)),
    ...PACKAGES.flatMap((name) => {
      const url = locatePackage(name);
      return url === undefined ? [] : [{ name, url }];
    }),
  ];
}

function candidatesIn(folder: string): Candidate[] {
  return PACKAGES.flatMap((name) => {
    const url = locateIn(folder, name);
    return url === undefined ? [] : [{ name: `${name} in ${folder}`, url }];
  });
}

/** `.tensorflow` beside Lockstep's package.json. */
function setupFolder(): string | undefined {
  let folder = path.dirname(fileURLToPath(import.meta.url));
  while (!existsSync(path.join(folder, 'package.json'))) {
    const parent = path.dirname(folder);
    if (parent === folder) return undefined;
    folder = parent;
  }
  return path.join(folder, '.tensorflow');
}

function locateIn(folder: string, name: string): string | undefined {
  const root = path.join(folder, 'node_modules', name);
  if (!existsSync(path.join(root, 'package.json'))) return undefined;
  return pathToFileURL(createRequire(path.join(root, 'package.json')).resolve(root)).href;
}
