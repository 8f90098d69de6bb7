/** Every kind of layer in every place, exported, and run by PyTorch and onnxruntime. */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { exportFiles } from '../../src/export/index.js';
import { expectedLogits, exportedModel, PRESET_EXPORTS, TINY_EXPORTS } from '../support/exportedNetworks.js';
import { largestRelativeError } from '../support/numbers.js';
import { pythonFormats, runInPython } from './support/python.js';

const formats = pythonFormats();

describe.each(['pytorch', 'onnx'] as const)('%s', (format) => {
  it.skipIf(!formats.includes(format)).each([
    ['tiny networks', TINY_EXPORTS, 3],
    ['presets', PRESET_EXPORTS, 1],
  ] as const)('%s have the logits of the definition in float64', (_, networks, count) => {
    const folder = mkdtempSync(path.join(tmpdir(), 'lockstep-test-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const cases = Object.entries(networks).map(([name, model], index) => {
      const exported = exportedModel(model);
      const own = path.join(folder, String(index));
      mkdirSync(own);
      for (const { name: file, content } of exportFiles(exported, format)) {
        writeFileSync(path.join(own, file), content);
      }
      return { name, model, folder: own, ...expectedLogits(exported, count) };
    });
    const found = runInPython(
      cases.map(({ model, folder, images }) => ({
        ...{ format, folder, count, inputShape: model.inputShape, input: images },
      })),
    );
    const errors = cases.map(({ name, logits }, index) => [
      name,
      largestRelativeError(found[index]!, logits),
    ]);
    expect(errors.filter(([, error]) => !((error as number) < 2e-5))).toEqual([]);
  });
});
