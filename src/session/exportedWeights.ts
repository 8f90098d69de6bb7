/** Exports and files of other programs that someone gives in the place of a checkpoint: what they are, and what to do with them. */

import { closeSync, existsSync, openSync, readSync, statSync } from 'node:fs';
import path from 'node:path';
import { isRecord } from '../foundation/isRecord.js';
import { advice, OptionError } from '../foundation/options/optionError.js';
import type { Remedy } from '../foundation/options/optionError.js';

type Kind = 'export' | 'pytorch' | 'torch-save' | 'unreadable-export';

const LENGTH_BYTES = 8;
const MOST_HEADER_BYTES = 16 << 20;
/** `torch.save` writes a zip file; its older form is a pickle. */
const TORCH_SAVE = /^(504b0304|8002|8003|8004)/;
const RUN_FOLDER: Remedy = { kind: 'other', text: 'use the run folder that it was exported from' };

/** The files of exports, by what they are called in their folder. */
const WEIGHTS = 'model.safetensors';
const OTHER_EXPORTS = ['model.onnx', 'model.json'];

/** The weights in the folder of an export for PyTorch. */
export function weightsOfExport(folder: string): string | undefined {
  const file = path.join(folder, WEIGHTS);
  return existsSync(file) ? file : undefined;
}

/** @throws OptionError for a folder that is an export, and no run */
export function refuseExportFolder(folder: string): void {
  const file = weightsOfExport(folder);
  if (file !== undefined) throw refusalOf(folder, file, 'export');
  if (OTHER_EXPORTS.some((name) => existsSync(path.join(folder, name)))) {
    throw refusalOf(folder, folder, 'unreadable-export');
  }
}

/**
 * @param file that is no checkpoint
 * @returns what better can be said than that; undefined for nothing
 */
export function foreignFile(file: string): OptionError | undefined {
  const kind = kindOf(file);
  return kind && refusalOf(file, file, kind);
}

/** For `--init`, which reads safetensors. */
export function unreadableWeights(file: string): OptionError | undefined {
  const kind = kindOf(file);
  return kind === 'torch-save' || kind === 'unreadable-export' ? refusalOf(file, file, kind) : undefined;
}

function refusalOf(given: string, weights: string, kind: Kind): OptionError {
  const begin = advice('begin a run from it with ', { option: 'init', value: weights });
  const refuse = (problem: string, remedies: readonly Remedy[]): OptionError =>
    new OptionError([problem], remedies, 'E_CHECKPOINT');
  switch (kind) {
    case 'export':
      return refuse(`${given} is an export, not a checkpoint`, [RUN_FOLDER, begin]);
    case 'pytorch':
      return refuse(`${given} is a file of PyTorch: it holds weights, and no network`, [begin]);
    case 'torch-save':
      return refuse(`${given} was written by torch.save, and may hold code: it is not read`, [
        advice('write its tensors with safetensors.torch.save_file, and begin a run from that file with ', {
          option: 'init',
        }),
      ]);
    case 'unreadable-export':
      return refuse(`${given} is an export for other programs, which is not read back`, [RUN_FOLDER]);
  }
}

/** Undefined also for what cannot be read: whoever reads it as a checkpoint says why. */
function kindOf(file: string): Kind | undefined {
  try {
    return kindByContent(file);
  } catch {
    return undefined;
  }
}

function kindByContent(file: string): Kind | undefined {
  if (statSync(file, { throwIfNoEntry: false })?.isFile() !== true) return undefined;
  if (/\.onnx$/i.test(file) || path.basename(file) === 'model.json') return 'unreadable-export';
  const start = read(file, 0, LENGTH_BYTES);
  if (TORCH_SAVE.test(start.toString('hex'))) return 'torch-save';
  if (start.length < LENGTH_BYTES) return undefined;
  const length = Number(start.readBigUInt64LE());
  return length > MOST_HEADER_BYTES ? undefined : kindByHeader(read(file, LENGTH_BYTES, length).toString());
}

function kindByHeader(text: string): Kind | undefined {
  let header: unknown;
  try {
    header = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isRecord(header)) return undefined;
  const metadata = Object.hasOwn(header, '__metadata__') ? header['__metadata__'] : {};
  if (!isRecord(metadata) || Object.hasOwn(metadata, 'lockstep')) return undefined;
  return Object.hasOwn(metadata, 'lockstepWeightsSha256') ? 'export' : 'pytorch';
}

function read(file: string, position: number, length: number): Buffer {
  const descriptor = openSync(file, 'r');
  try {
    const bytes = Buffer.alloc(length);
    return bytes.subarray(0, readSync(descriptor, bytes, 0, length, position));
  } finally {
    closeSync(descriptor);
  }
}
