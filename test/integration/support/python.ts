/** Networks that were exported, run by the libraries that they were exported for: PyTorch and onnxruntime in Python. */

import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { floatsFromLittleEndian } from '../../../src/foundation/littleEndian.js';
import type { ActivationShape } from '../../../src/model/index.js';

const PYTHON = process.env['LOCKSTEP_EXPORT_PYTHON'] ?? 'python3';
const PROGRAM = fileURLToPath(new URL('runExports.py', import.meta.url));
const MODULES = { pytorch: 'torch, safetensors.torch', onnx: 'onnx, onnxruntime' } as const;

export type PythonFormat = keyof typeof MODULES;

/** The formats that Python can run here. Says which it cannot. */
export function pythonFormats(): readonly PythonFormat[] {
  return (['pytorch', 'onnx'] as const).filter((format) => {
    const { status } = spawnSync(PYTHON, ['-c', `import numpy, ${MODULES[format]}`], { stdio: 'ignore' });
    if (status !== 0) {
      console.warn(
        `SKIPPED: nothing runs exports as ${format}: ${PYTHON} has no ${MODULES[format]} (LOCKSTEP_EXPORT_PYTHON names one that has)`,
      );
    }
    return status === 0;
  });
}

export interface PythonJob {
  readonly format: PythonFormat;
  /** Of the export. */
  readonly folder: string;
  readonly count: number;
  readonly inputShape: ActivationShape;
  /** (N, H, W, C): prepared images, or bytes as they are in the data set. */
  readonly input: Float32Array | Uint8Array;
}

/** @returns the logits of each job */
export function runInPython(jobs: readonly PythonJob[]): readonly Float32Array[] {
  const list = jobs.map(({ format, folder, count, inputShape, input }) => {
    const file = path.join(folder, 'input');
    writeFileSync(file, input);
    const { height, width, channels } = inputShape;
    const kind = input instanceof Float32Array ? 'images' : 'pixels';
    return { format, folder, count, shape: [height, width, channels], [kind]: file };
  });
  const file = path.join(jobs[0]!.folder, 'jobs.json');
  writeFileSync(file, JSON.stringify(list));
  const { status, stderr } = spawnSync(PYTHON, [PROGRAM, file], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`Python failed: ${stderr}`);
  return jobs.map(({ folder }) => floatsFromLittleEndian(readFileSync(path.join(folder, 'logits.f32'))));
}
