import { afterAll, describe, expect, it } from 'vitest';
import { ComputePool } from '../../src/worker/index.js';
import type { ItemTask } from '../../src/worker/task.js';
import { rejectionOf } from '../support/errors.js';

const HUNG = /had not finished an item after \d+ s, and was ended/;
const [ANSWERS, HANGS, EXITS, THROWS_LATER, TAKES_LONG] = [0, 1, 2, 3, 4];

/** Real threads, with a script instead of an engine. */
const threadFile = new URL('./scriptedThread.mjs', import.meta.url);
const patient = new ComputePool({ name: 'wasm' }, 2, { threadFile });
const impatient = new ComputePool({ name: 'wasm' }, 2, {
  threadFile,
  hangLimits: { leastMs: 300, firstMs: 300, slowestFactor: 2, tickMs: 50 },
});
afterAll(() => Promise.all([patient.close(), impatient.close()]));

interface Disposal {
  readonly threadId: number;
  readonly fromMs: number;
  readonly toMs: number;
}

const task = (what: number): ItemTask => ({
  kind: 'evaluate',
  engine: { name: 'wasm' },
  session: {
    network: '', // nobody reads it
    normalisation: { mean: [0, 0, 0], standardDeviation: [1, 1, 1] },
    augmentation: { cropPadding: 4 },
    labelSmoothing: 0,
    evaluationStatistics: 'running',
    evaluationViews: 'none',
    wire: 'float32',
  },
  state: { version: 1, parameters: new Float32Array(1), statistics: new Float32Array(1) },
  pixels: new Uint8Array(3072),
  labels: Uint8Array.of(what),
});

/** So little patience is too little for a thread that boots on a busy machine: then the item is tried again. */
async function answerFrom(pool: ComputePool): Promise<string> {
  for (;;) {
    try {
      return (await pool.run(task(ANSWERS))).kind;
    } catch (error) {
      if (pool !== impatient || !HUNG.test(String(error))) throw error;
    }
  }
}

const answersFromAll = (pool: ComputePool): Promise<string[]> =>
  Promise.all(Array.from({ length: 6 }, () => answerFrom(pool)));

describe('a thread', () => {
  it.each([
    ['hangs', impatient, HANGS, HUNG],
    ['ends itself', patient, EXITS, /ended while it computed: .*7/],
    ['throws where nobody catches it', patient, THROWS_LATER, /ended while it computed: out of the blue/],
  ])('that %s fails its item, and is replaced', async (_how, pool, what, message) => {
    for (let time = 0; time < 3; time++) {
      const [error] = await Promise.all([
        rejectionOf('E_ENGINE_FAILED', pool.run(task(what))),
        answersFromAll(pool),
      ]);
      expect(error.message).toMatch(message);
    }
    const both = [
      rejectionOf('E_ENGINE_FAILED', pool.run(task(what))),
      pool.run(task(what)).catch(() => 'too'),
    ];
    await Promise.all(both);
    expect(await answersFromAll(pool)).toEqual(new Array(6).fill('evaluation'));
  });
});

describe('a pool whose engine must not be ended while it computes', () => {
  it('waits for every thread when it closes, and takes nothing more', async () => {
    const pool = new ComputePool({ name: 'webgpu' }, 3, { threadFile });
    await Promise.all([1, 2, 3].map(() => pool.run(task(ANSWERS)))); // all have started
    const items = [ANSWERS, TAKES_LONG, ANSWERS].map((what) => pool.run(task(what)));
    const closing = pool.close();
    await rejectionOf('E_ENGINE_FAILED', pool.run(task(ANSWERS)));
    const answers = await Promise.all(items);
    expect(answers.map(({ kind }) => kind)).toEqual(['evaluation', 'evaluation', 'evaluation']);
    await closing;
  });

  it('lets every thread free its engine before it ends, one after the other', async () => {
    const pool = new ComputePool({ name: 'webgpu' }, 3, { threadFile });
    await Promise.all([1, 2, 3].map(() => pool.run(task(TAKES_LONG)))); // each in a thread of its own
    const disposals = new BroadcastChannel('disposals of scripted threads');
    const told: Disposal[] = [];
    const all = new Promise<void>((resolve) => {
      disposals.onmessage = (message: MessageEvent) => {
        told.push(message.data as Disposal);
        if (told.length === 3) resolve();
      };
    });
    await Promise.all([pool.close(), all]);
    disposals.close();
    expect(new Set(told.map(({ threadId }) => threadId)).size).toBe(3);
    told.sort((one, other) => one.fromMs - other.fromMs);
    for (const [index, { toMs }] of told.slice(0, -1).entries()) {
      expect(told[index + 1]!.fromMs).toBeGreaterThanOrEqual(toMs);
    }
  });
});
