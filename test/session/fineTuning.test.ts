/** Runs that begin with the weights of others: what is kept, what starts anew, and what is refused. */

import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeSafetensors, encodeSafetensors } from '../../src/coordinator/checkpoints/safetensors.js';
import { gatherSamples, syntheticTrainingSet } from '../../src/data/index.js';
import { littleEndianBytes } from '../../src/foundation/littleEndian.js';
import { exportModel, predict, syntheticData, train } from '../../src/index.js';
import type { OwnData, TrainedRun, TrainOptions } from '../../src/index.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

const RECIPE = {
  ...{ model: 'resnet8', trainLimit: 96, valSize: 32, epochs: 1, batchSize: 32, microBatch: 16, lr: 0.05 },
} as const;
const FROZEN = 'stem,stack1';

let home: string;
let source: TrainedRun;
/** The same weights, in PyTorch's names. */
let exported: string;

beforeAll(async () => {
  home = mkdtempSync(path.join(tmpdir(), 'lockstep-test-'));
  source = await trainIn(path.join(home, 'source'), { data: syntheticData() });
  await exportModel({ checkpoint: source.runDir, output: path.join(home, 'exported') });
  exported = path.join(home, 'exported', 'model.safetensors');
});
afterAll(() => rmSync(home, { recursive: true, force: true }));

function trainIn(runDir: string, more: Partial<TrainOptions>): Promise<TrainedRun> {
  const { recipe, ...others } = more;
  return train({ engine: 'simd', workers: 1, runDir, recipe: { ...RECIPE, ...recipe }, ...others });
}

/** The synthetic images in five classes: each is two of the ten. */
function merged(): OwnData {
  const { pixels, labels } = gatherSamples(
    syntheticTrainingSet(),
    Uint32Array.from({ length: 160 }, (_, index) => index),
  );
  return {
    name: 'merged',
    classNames: ['a', 'b', 'c', 'd', 'e'],
    training: { pixels, labels: labels.map((label) => label >> 1) },
  };
}

/** SHA-256 of each tensor of a run's last checkpoint. */
function digestsOf(runDir: string): ReadonlyMap<string, string> {
  const file = readFileSync(path.join(runDir, 'checkpoints', 'last.safetensors'));
  const { tensors } = decodeSafetensors(file, runDir);
  return new Map(
    tensors.map(({ name, values }) => [
      name,
      createHash('sha256').update(littleEndianBytes(values)).digest('hex'),
    ]),
  );
}

const isFrozen = (name: string): boolean => /^(averaged\.|best\.)?(stem|stack1)\./.test(name);
const own = (name: string): string => name.replace(/^(averaged|best)\./, '');

describe('fine-tuning to other classes', () => {
  const recipe = { init: '', freeze: FROZEN, averaging: 'ema', seed: 5, epochs: 2 } as const;
  const from = (init: string, more: object = {}): TrainOptions['recipe'] => ({ ...recipe, init, ...more });

  it('changes no bit of frozen layers, their running statistics included, and trains the others', async () => {
    const runDir = path.join(temporaryFolder(), 'run');
    await trainIn(runDir, { data: merged(), recipe: from(source.runDir) });
    const before = digestsOf(source.runDir);
    const after = digestsOf(runDir);
    const names = [...after.keys()].filter((name) => !name.startsWith('momentum.'));
    const kept = names.filter(isFrozen);
    expect(kept).toContain('stack1.block1.norm2.runningVariance');
    expect(kept).toContain('averaged.stem.conv.weight');
    expect(kept.filter((name) => after.get(name) !== before.get(own(name)))).toEqual([]);
    const trained = names.filter((name) => !isFrozen(name));
    expect(trained.filter((name) => after.get(name) === before.get(own(name)))).toEqual([]);
  });

  it('ends in the same bits with other workers, from a PyTorch file, and resumed without the weights', async () => {
    const folder = temporaryFolder();
    const one = await trainIn(path.join(folder, 'one'), { data: merged(), recipe: from(source.runDir) });
    const two = await trainIn(path.join(folder, 'two'), {
      ...{ data: merged(), workers: 2, recipe: from(exported) },
    });
    expect(two.weightsSha256).toBe(one.weightsSha256);
    const copy = path.join(folder, 'copy.safetensors');
    writeFileSync(copy, readFileSync(path.join(source.runDir, 'checkpoints', 'best.safetensors')));
    const stopped = await trainIn(path.join(folder, 'three'), {
      ...{ data: merged(), recipe: from(copy, { maxSteps: 3 }) },
    });
    rmSync(copy);
    const resumed = await train({
      ...{ engine: 'simd', workers: 1, resume: stopped.runDir, data: merged(), recipe: { maxSteps: null } },
    });
    expect(resumed.weightsSha256).toBe(one.weightsSha256);
  });

  it('the recipe says which weights they were', async () => {
    const runDir = path.join(temporaryFolder(), 'run');
    await trainIn(runDir, { data: merged(), recipe: from(source.runDir, { epochs: 1 }) });
    const config = JSON.parse(readFileSync(path.join(runDir, 'config.json'), 'utf8')) as object;
    expect(config).toMatchObject({ init: `sha256:${source.weightsSha256}`, freeze: FROZEN });
  });
});

it('with the same classes the last layer is kept, too', async () => {
  const runDir = path.join(temporaryFolder(), 'run');
  const recipe = { init: exported, freeze: 'stem,stack*,dense', maxSteps: 1 };
  const failed = trainIn(runDir, { data: syntheticData(), recipe });
  await expect(failed).rejects.toMatchObject({
    code: 'E_OPTION',
    message: expect.stringContaining('leaves no tensor of resnet8 to train') as string,
  });
  await trainIn(runDir, { data: syntheticData(), recipe: { ...recipe, freeze: 'stem,dense' } });
  const [before, after] = [digestsOf(source.runDir), digestsOf(runDir)];
  for (const name of ['dense.weight', 'dense.bias', 'stem.norm.runningMean']) {
    expect(after.get(name), name).toBe(before.get(name));
  }
});

it('a file of PyTorch may count batches, and have the names of a wrapper', async () => {
  const { tensors } = decodeSafetensors(readFileSync(exported), exported);
  const header: Record<string, unknown> = {};
  let offset = 0;
  for (const { name, shape, values } of tensors) {
    header[`module.${name}`] = {
      ...{ dtype: 'F32', shape, data_offsets: [offset, (offset += values.byteLength)] },
    };
  }
  header['module.stem.norm.num_batches_tracked'] = {
    ...{ dtype: 'I64', shape: [], data_offsets: [offset, offset + 8] },
  };
  const json = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  const data = tensors.map(({ values }) => littleEndianBytes(values));
  const folder = temporaryFolder();
  const file = path.join(folder, 'torch.safetensors');
  writeFileSync(file, Buffer.concat([length, json, ...data, Buffer.alloc(8, 1)]));
  const run = (init: string): Promise<TrainedRun> =>
    trainIn(path.join(folder, `run-${path.basename(init)}`), {
      data: syntheticData(),
      recipe: { init, maxSteps: 1 },
    });
  const [wrapped, plain] = [await run(file), await run(source.runDir)];
  expect(wrapped.weightsSha256).toBe(plain.weightsSha256);
});

it.each([
  ['another width', { model: 'resnet8x2' }, 'E_CHECKPOINT', 'is 3x3x3x16 there, and 3x3x3x32 is needed'],
  ['another depth', { model: 'resnet14' }, 'E_CHECKPOINT', 'hold no tensor stack1.block2.conv1.weight'],
  ['no such layer', { freeze: 'stck1' }, 'E_OPTION', 'names stck1, which is no layer of resnet8'],
  ['a digest', { init: `sha256:${'0'.repeat(64)}` }, 'E_OPTION', 'not where they are'],
  ['no file', { init: 'no/such/file' }, 'E_CHECKPOINT', 'there are no weights no/such/file'],
])('refuses %s', async (_, change, code, text) => {
  const failed = trainIn(path.join(temporaryFolder(), 'run'), {
    ...{ data: syntheticData(), recipe: { init: source.runDir, ...change } },
  });
  await expect(failed).rejects.toMatchObject({ code, message: expect.stringContaining(text) as string });
});

describe('an export in the place of a run', () => {
  it('is taken as the weights to begin with, by its folder, too', async () => {
    const options = { data: syntheticData(), recipe: { init: path.dirname(exported) } };
    const { runDir } = await trainIn(path.join(home, 'of-folder'), options);
    const digest = createHash('sha256').update(readFileSync(exported)).digest('hex');
    expect(readFileSync(path.join(runDir, 'config.json'), 'utf8')).toContain(`"init": "sha256:${digest}"`);
  });

  it('is no checkpoint, and what it is good for is said', async () => {
    for (const checkpoint of [exported, path.dirname(exported)]) {
      const refused = predict({ checkpoint, images: [{ name: 'a', bytes: new Uint8Array() }] });
      await expect(refused).rejects.toMatchObject({
        code: 'E_CHECKPOINT',
        message: `${checkpoint} is an export, not a checkpoint; use the run folder that it was exported from, or begin a run from it with init ${exported}`,
      });
    }
  });

  it.each(['onnx', 'tfjs'] as const)('%s is not read back', async (format) => {
    const output = path.join(home, format);
    await exportModel({ checkpoint: source.runDir, format, output });
    const file = path.join(output, format === 'onnx' ? 'model.onnx' : 'model.json');
    for (const init of [output, file]) {
      await expect(
        trainIn(path.join(home, 'no'), { data: syntheticData(), recipe: { init } }),
      ).rejects.toThrow(
        `${init} is an export for other programs, which is not read back; use the run folder`,
      );
    }
  });

  it('files of PyTorch are recognised, whoever wrote them', async () => {
    const folder = temporaryFolder();
    const plain = path.join(folder, 'plain.safetensors');
    const { tensors } = decodeSafetensors(readFileSync(exported), exported);
    writeFileSync(plain, encodeSafetensors({ metadata: {}, tensors }));
    await expect(exportModel({ checkpoint: plain, output: path.join(folder, 'to') })).rejects.toThrow(
      `${plain} is a file of PyTorch: it holds weights, and no network; begin a run from it with init ${plain}`,
    );
    const saved = path.join(folder, 'model.pt');
    writeFileSync(saved, Buffer.from('504b0304140000', 'hex'));
    const said = `${saved} was written by torch.save, and may hold code: it is not read; write its tensors with safetensors`;
    await expect(exportModel({ checkpoint: saved, output: path.join(folder, 'to') })).rejects.toThrow(said);
    const begun = trainIn(path.join(home, 'no'), { data: syntheticData(), recipe: { init: saved } });
    await expect(begun).rejects.toThrow(said);
  });
});
