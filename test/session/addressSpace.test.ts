/** What is asked of the address space before a run's threads are started. */

import path from 'node:path';
import { beforeEach, expect, it, onTestFinished, vi } from 'vitest';
import { LockstepError } from '../../src/foundation/errors.js';
import { findLearningRate, syntheticData, train } from '../../src/index.js';
import { ComputePool } from '../../src/worker/index.js';
import type { SpaceRequest } from '../../src/worker/addressSpace.js';
import { rejectionOf } from '../support/errors.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

const asked = vi.hoisted((): SpaceRequest[] => []);
/** No thread is started where all are refused. */
const space = vi.hoisted(() => ({ refuses: (_request: SpaceRequest): boolean => true }));

vi.mock('../../src/worker/addressSpace.js', () => ({
  refuseLittleAddressSpace: (request: SpaceRequest) => {
    asked.push(request);
    if (space.refuses(request)) throw new LockstepError('E_RESOURCES', 'too little');
  },
}));

beforeEach(() => {
  asked.splice(0);
  space.refuses = () => true;
});

it.each([
  [
    { wire: 'int8', optimizer: 'muon' },
    { isWireCompact: true, coordinatorMemories: 2 },
  ],
  [{ wire: 'bfloat16' }, { isWireCompact: true, coordinatorMemories: 1 }],
  [{}, { isWireCompact: false, coordinatorMemories: 1 }],
] as const)('recipe %j needs %j', async (change, expected) => {
  const recipe = { model: 'resnet8', trainLimit: 96, valSize: 32, batchSize: 32, ...change } as const;
  const common = { engine: 'simd', workers: 3, data: syntheticData(), recipe } as const;
  await rejectionOf('E_RESOURCES', train({ ...common, runDir: path.join(temporaryFolder(), 'run') }));
  await rejectionOf('E_RESOURCES', findLearningRate(common));
  expect(asked).toHaveLength(2);
  for (const request of asked) expect(request).toMatchObject({ engine: 'simd', threads: 3, ...expected });
});

it('a node asks again when it learns of a compact form, and only until there was room for it', async () => {
  space.refuses = ({ areThreadsUp }) => areThreadsUp === true;
  const pool = new ComputePool({ name: 'cpu' }, 1);
  onTestFinished(() => pool.close());
  expect(pool.refusalFor('float32')).toBeUndefined();
  expect(pool.refusalFor('int8')).toBe('too little');
  expect(asked.map(({ isWireCompact }) => isWireCompact)).toEqual([false, true]);
  space.refuses = () => false;
  expect(pool.refusalFor('int8')).toBeUndefined();
  space.refuses = () => true;
  expect(pool.refusalFor('bfloat16')).toBeUndefined();
  await pool.describe();
});
