/** What an export leaves, and what it does not touch. */

import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it, onTestFinished, vi } from 'vitest';
import { decodeSafetensors } from '../../src/coordinator/checkpoints/safetensors.js';
import { main } from '../../src/cli/main.js';
import { exportModel, syntheticData, train } from '../../src/index.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

const RECIPE = {
  ...{ model: 'resnet8', trainLimit: 96, valSize: 32, epochs: 2, batchSize: 32, microBatch: 16 },
  ...({ averaging: 'ema', emaDecay: 0.9, lr: 0.05 } as const),
} as const;

let home: string;
let runDir: string;
let weightsSha256: string;

beforeAll(async () => {
  home = mkdtempSync(path.join(tmpdir(), 'lockstep-test-'));
  runDir = path.join(home, 'run');
  const result = await train({
    data: syntheticData(),
    recipe: RECIPE,
    runDir,
    engine: 'simd',
    workers: 1,
  });
  weightsSha256 = result.weightsSha256;
});
afterAll(() => rmSync(home, { recursive: true, force: true }));

it.each(['pytorch', 'onnx', 'tfjs'] as const)(
  '%s: the weights are those that the result names, the best and averaged ones',
  async (format) => {
    const output = path.join(temporaryFolder(), 'new', 'folder');
    const outcome = await exportModel({ checkpoint: runDir, format, output });
    expect(outcome.weightsSha256).toBe(weightsSha256);
    expect(readdirSync(output).sort()).toEqual(outcome.files.map(({ name }) => name).sort());
    const card = readFileSync(path.join(output, 'README.md'), 'utf8');
    expect(card).toContain(weightsSha256);
    expect(card).toMatch(/\| validation accuracy \| \d+\.\d\d % \|/);
  },
);

it('recipe.json trains the same weights again', async () => {
  const folder = temporaryFolder();
  const output = path.join(folder, 'exported');
  await exportModel({ checkpoint: runDir, output });
  const again = path.join(folder, 'again');
  const file = path.join(output, 'recipe.json');
  const printed = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  onTestFinished(() => printed.mockRestore());
  await main(['train', '--config', file, '--engine', 'simd', '--workers', '1', '--json', '--run-dir', again]);
  const result = JSON.parse(readFileSync(path.join(again, 'result.json'), 'utf8')) as Record<string, unknown>;
  expect(result['weightsSha256']).toBe(weightsSha256);
});

it('has the tensors by the names of PyTorch', async () => {
  const output = path.join(temporaryFolder(), 'exported');
  await exportModel({ checkpoint: runDir, output });
  const { tensors } = decodeSafetensors(readFileSync(path.join(output, 'model.safetensors')), 'model');
  const shapes = Object.fromEntries(tensors.map(({ name, shape }) => [name, shape]));
  expect(shapes).toMatchObject({
    'stem.conv.weight': [16, 3, 3, 3],
    'stack2.block1.norm1.running_var': [32],
    'dense.weight': [10, 64],
    'dense.bias': [10],
  });
});

it('replaces nothing: a folder that holds something is refused', async () => {
  const output = temporaryFolder();
  writeFileSync(path.join(output, 'mine.txt'), 'mine');
  await expect(exportModel({ checkpoint: runDir, output })).rejects.toMatchObject({
    code: 'E_IO',
    message: expect.stringContaining('is not empty') as string,
  });
  expect(readdirSync(output)).toEqual(['mine.txt']);
});

it('takes an empty folder', async () => {
  const output = path.join(temporaryFolder(), 'empty');
  mkdirSync(output);
  await exportModel({ checkpoint: runDir, output });
  expect(readdirSync(output)).toContain('model.py');
});

it('leaves nothing when it is stopped', async () => {
  const folder = temporaryFolder();
  const options = { checkpoint: runDir, output: path.join(folder, 'exported') };
  const stopped = exportModel({ ...options, signal: AbortSignal.abort() });
  await expect(stopped).rejects.toMatchObject({ code: 'E_STOPPED' });
  expect(readdirSync(folder)).toEqual([]);
});

it('says where nothing can be written', async () => {
  const file = path.join(temporaryFolder(), 'file');
  writeFileSync(file, '');
  onTestFinished(() => expect(existsSync(file)).toBe(true));
  const failed = exportModel({ checkpoint: runDir, output: path.join(file, 'exported') });
  await expect(failed).rejects.toMatchObject({ code: 'E_IO' });
});
