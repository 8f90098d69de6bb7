/** What `work` passes on of a node's session. */

import { expect, it, vi } from 'vitest';
import type * as session from '../../src/session/index.js';
import { work } from '../../src/index.js';

vi.mock('../../src/session/index.js', async (importOriginal) => ({
  ...(await importOriginal<typeof session>()),
  workFor: (options: session.WorkOptions) => {
    options.onNotice([{ option: 'tune', value: false }, ' has no effect; try ', { option: 'retryFor' }]);
    options.onStatus({ kind: 'disconnected', reason: 'no answer', retryInMs: 1 });
    options.onStatus({ kind: 'connected', url: 'ws://127.0.0.1:1' });
    return Promise.resolve('the run has ended');
  },
}));

it('says everything in the words of a program', async () => {
  const told: unknown[] = [];
  const end = await work({
    url: 'ws://127.0.0.1:1',
    onNotice: (message) => told.push(message),
    onStatus: (status) => told.push(status),
  });
  expect(told).toEqual([
    'tune: false has no effect; try retryForMs',
    { kind: 'disconnected', reason: 'no answer', retryInMs: 1 },
    { kind: 'connected', url: 'ws://127.0.0.1:1' },
  ]);
  expect(end).toEqual({ reason: 'the run has ended' });
});
