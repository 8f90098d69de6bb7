import { afterAll, describe, expect, it } from 'vitest';
import { ComputePool } from '../../src/worker/index.js';
import type { ItemTask } from '../../src/worker/task.js';
import { rejectionOf } from '../support/errors.js';

const [ANSWERS, HANGS, EXITS, THROWS_LATER] = [0, 1, 2, 3];

/** Real threads, with a script instead of an engine. */
const pool = new ComputePool({ name: 'wasm' }, 2, {
  threadFile: new URL('./scriptedThread.mjs', import.meta.url),
  hangLimits: { leastMs: 300, firstMs: 300, slowestFactor: 2, tickMs: 50 },
});
afterAll(() => pool.close());

const task = (what: number): ItemTask => ({
  kind: 'evaluate',
  engine: { name: 'wasm' },
  session: {
    modelName: 'resnet8',
    dropoutRate: 0,
    normalisation: { mean: [0, 0, 0], standardDeviation: [1, 1, 1] },
    cropPadding: 4,
    labelSmoothing: 0,
    evaluationStatistics: 'running',
  },
  state: { version: 1, parameters: new Float32Array(1), statistics: new Float32Array(1) },
  pixels: new Uint8Array(3072),
  labels: Uint8Array.of(what),
});

const answersFromAll = async (): Promise<string[]> =>
  (await Promise.all(Array.from({ length: 6 }, () => pool.run(task(ANSWERS))))).map(({ kind }) => kind);

describe('a thread', () => {
  it.each([
    ['hangs', HANGS, /had not finished an item after \d+ s, and was ended/],
    ['ends itself', EXITS, /ended while it computed: .*7/],
    ['throws where nobody catches it', THROWS_LATER, /ended while it computed: out of the blue/],
  ])('that %s fails its item, and is replaced', async (_how, what, message) => {
    for (let time = 0; time < 3; time++) {
      const [error] = await Promise.all([
        rejectionOf('E_ENGINE_FAILED', pool.run(task(what))),
        answersFromAll(),
      ]);
      expect(error.message).toMatch(message);
    }
    const both = [
      rejectionOf('E_ENGINE_FAILED', pool.run(task(what))),
      pool.run(task(what)).catch(() => 'too'),
    ];
    await Promise.all(both);
    expect(await answersFromAll()).toEqual(new Array(6).fill('evaluation'));
  });
});
