/** Where TensorFlow's binding lies, whether it loads, and what mends it if not. */

import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { commandLine } from '../../foundation/commandLine.js';
import type { CommandOptions } from '../../foundation/commandLine.js';
import { cacheFolder } from '../cacheFolder.js';
import type { EngineAvailability } from '../engine.js';
import { importPackage, locatePackage, probe } from './optionalPackage.js';

/** CUDA first, where somebody has installed both beside Lockstep. */
const PACKAGES = ['@tensorflow/tfjs-node-gpu', '@tensorflow/tfjs-node'] as const;
/** Exists if the kernel has NVIDIA's driver. */
const DRIVER = '/proc/driver/nvidia';

export interface FoundPackage {
  readonly url: string;
  readonly tensorflowVersion: string;
  readonly usesGpu: boolean;
}

/** The library has 860 MB: on a busy machine, just installed, it took more than 20 s to load. */
const LOAD_TIMEOUT_MS = 120_000;

type NotFound = Extract<EngineAvailability, { available: false }>;

/** The first of the packages that loads; each is tried in a process of its own. */
export async function findTensorflow(): Promise<FoundPackage | NotFound> {
  const failures: string[] = [];
  for (const { url, name } of candidates()) {
    const result = await probe<Omit<FoundPackage, 'url'>>(
      `await (async () => {
      process.env.TF_CPP_MIN_LOG_LEVEL ??= '3';
      (${restoreRemovedFunctions.toString()})(await load('node:util'));
      const backend = (await load(${JSON.stringify(url)})).backend();
      return { tensorflowVersion: backend.binding.TF_Version, usesGpu: backend.isUsingGpuDevice };
    })()`,
      { timeoutMs: LOAD_TIMEOUT_MS },
    );
    if (result.succeeded) return { ...result.report, url };
    failures.push(`${name} does not load: ${result.reason}`);
  }
  if (failures.length > 0)
    return { available: false, reason: failures.join('; '), remedy: setupCommand({ force: true }) };
  return { available: false, reason: 'TensorFlow is not set up', remedy: setupCommand() };
}

/** The command that sets it up on this machine. */
function setupCommand(options: CommandOptions = {}): string {
  return commandLine('setup', 'tensorflow', existsSync(DRIVER) ? { gpu: true } : {}, options);
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

/** If LOCKSTEP_TENSORFLOW_DIR is set, only what is there; else what `lockstep setup` made, then what npm installed. */
function candidates(): Candidate[] {
  const folder = tensorflowFolder();
  const found = folder === undefined ? [] : candidatesIn(folder);
  if (givenFolder() !== undefined) return found;
  return [
    ...found,
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

/**
 * Where `lockstep setup tensorflow` puts TensorFlow by default, and where it is looked for: LOCKSTEP_TENSORFLOW_DIR, else
 * `.tensorflow` in a checkout. An installed package uses the user's cache, since npm replaces the package's own folder.
 * @returns undefined for a user without a home
 */
export function tensorflowFolder(): string | undefined {
  const given = givenFolder();
  if (given !== undefined) return path.resolve(given);
  const root = packageRoot();
  if (root !== undefined && !root.split(path.sep).includes('node_modules')) {
    return path.join(root, '.tensorflow');
  }
  const cache = cacheFolder();
  return cache === undefined ? undefined : path.join(cache, 'tensorflow');
}

function givenFolder(): string | undefined {
  // eslint-disable-next-line no-restricted-properties -- a place on this machine, as TensorFlow's own variables name it
  const given = process.env['LOCKSTEP_TENSORFLOW_DIR'];
  return given === '' ? undefined : given;
}

/** The folder of Lockstep's package.json. */
function packageRoot(): string | undefined {
  let folder = path.dirname(fileURLToPath(import.meta.url));
  while (!existsSync(path.join(folder, 'package.json'))) {
    const parent = path.dirname(folder);
    if (parent === folder) return undefined;
    folder = parent;
  }
  return folder;
}

function locateIn(folder: string, name: string): string | undefined {
  const root = path.join(folder, 'node_modules', name);
  if (!existsSync(path.join(root, 'package.json'))) return undefined;
  return pathToFileURL(createRequire(path.join(root, 'package.json')).resolve(root)).href;
}
