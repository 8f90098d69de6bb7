import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { diffRuns } from '../../src/watch/index.js';
import { CONFIG, epochLine, makeRun, RESULT } from '../support/runFolders.js';
import type { MadeRun } from '../support/runFolders.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

function diffOf(a: MadeRun, b: MadeRun): ReturnType<typeof diffRuns> {
  const root = temporaryFolder();
  return diffRuns(makeRun(path.join(root, 'a'), a), makeRun(path.join(root, 'b'), b));
}

const lines = [1, 2, 3].map((epoch) => epochLine(epoch));

it('says of equal runs that they are equal, to the bit', async () => {
  const run = { lines, result: RESULT };
  expect(await diffOf(run, run)).toMatchObject({
    recipe: [],
    surroundings: [],
    weights: { verdict: 'equal', epochs: 3 },
    finalWeightsEqual: true,
  });
});

it('names what differs: options that decide the weights apart from the others', async () => {
  const config = { ...CONFIG, lr: 0.2, workers: 3, versions: { ...CONFIG.versions, node: '22.0.0' } };
  const { recipe, surroundings } = await diffOf({}, { config: { ...config, nesterov: true } });
  expect(recipe).toEqual([
    { key: 'lr', a: 0.1, b: 0.2 },
    { key: 'nesterov', a: undefined, b: true },
  ]);
  expect(surroundings).toEqual([
    { key: 'workers', a: 2, b: 3 },
    { key: 'versions.node', a: '20.0.0', b: '22.0.0' },
  ]);
});

it('counts what is sent, shown and listened to among the surroundings', async () => {
  const config = { mlflow: 'http://127.0.0.1:5000', clearmlProject: 'x', tensorboard: false, maxNodes: 9 };
  const { recipe, surroundings } = await diffOf({}, { config: { ...CONFIG, ...config, precision: 'f16' } });
  expect(recipe.map(({ key }) => key)).toEqual(['precision']);
  expect(surroundings.map(({ key }) => key)).toEqual(Object.keys(config));
});

it('finds the first epoch after which the weights differ', async () => {
  const other = [epochLine(1), epochLine(2, { weightsSha256: 'x' }), epochLine(3, { weightsSha256: 'y' })];
  expect((await diffOf({ lines }, { lines: other })).weights).toEqual({
    verdict: 'different',
    epoch: 2,
    equalEpochs: 1,
  });
});

it('compares only the epochs that both have, and none where there are none', async () => {
  expect((await diffOf({ lines }, { lines: lines.slice(0, 2) })).weights).toEqual({
    verdict: 'equal',
    epochs: 2,
  });
  expect(await diffOf({ lines }, {})).toMatchObject({
    weights: { verdict: 'unknown' },
    finalWeightsEqual: null,
  });
});

it('compares engine and numerics: of the result, else of the workers that joined', async () => {
  const joined = { event: 'worker-joined', node: 'n', engine: 'wasm', numericsClass: 'wasm/1', threads: 1 };
  const { numerics } = await diffOf({ result: RESULT }, { lines: [joined] });
  expect(numerics).toEqual([
    { key: 'engine', a: 'simd', b: 'wasm' },
    { key: 'numericsClasses', a: ['simd/1'], b: ['wasm/1'] },
    { key: 'exact', a: true, b: undefined },
  ]);
  const inexact = { ...RESULT, exact: false };
  expect((await diffOf({ result: RESULT }, { result: inexact })).numerics).toEqual([
    { key: 'exact', a: true, b: false },
  ]);
});

it('calls runs equal to the bit only if both have ended, after the same epochs', async () => {
  const run = { lines, result: RESULT };
  expect((await diffOf(run, run)).equalToTheBit).toBe(true);
  for (const other of [
    { lines },
    { lines: lines.slice(0, 2), result: RESULT },
    { lines, result: { ...RESULT, weightsSha256: 'x' } },
    { lines: [...lines.slice(0, 2), epochLine(3, { weightsSha256: 'x' })], result: RESULT },
  ])
    expect((await diffOf(run, other)).equalToTheBit).toBe(false);
});

it('compares the data by the digests in the checkpoints', async () => {
  const root = temporaryFolder();
  const [a, b, none] = ['a', 'b', 'none'].map((name) => makeRun(path.join(root, name)));
  writeCheckpoint(a!, 'one');
  writeCheckpoint(b!, 'one');
  expect((await diffRuns(a!, b!)).data).toEqual({ verdict: 'equal' });
  writeCheckpoint(b!, 'two');
  expect((await diffRuns(a!, b!)).data).toEqual({
    verdict: 'different',
    differences: [{ key: 'training.images', a: 'one', b: 'two' }],
  });
  expect((await diffRuns(a!, none!)).data).toEqual({ verdict: 'unknown' });
  writeCheckpoint(b!, 'two', 'no digest of it');
  expect((await diffRuns(a!, b!)).data).toEqual({ verdict: 'unknown' });
});

/** A safetensors file without tensors, by the format's definition. */
function writeCheckpoint(run: string, images: string, digest?: string): void {
  const part = { images, labels: 'l' };
  const text = JSON.stringify({ samples: { training: part, validation: { images: 'v', labels: 'l' } } });
  const lockstepSha256 = digest ?? createHash('sha256').update(text).digest('hex');
  const header = Buffer.from(JSON.stringify({ __metadata__: { lockstep: text, lockstepSha256 } }));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.byteLength));
  mkdirSync(path.join(run, 'checkpoints'), { recursive: true });
  writeFileSync(path.join(run, 'checkpoints', 'last.safetensors'), Buffer.concat([length, header]));
}
