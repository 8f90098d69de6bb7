/** A short version of test/fuzz/: hostile connections over real sockets to a fleet in mid-training. */

import { expect, it, onTestFinished } from 'vitest';
import { train } from '../../../src/coordinator/index.js';
import { listen } from '../../../src/coordinator/server/server.js';
import { analyticNode } from '../../support/analyticNode.js';
import type { ScriptedNode } from '../../support/scriptedNode.js';
import { eventsOf, testRun } from '../../support/trainingRun.js';
import { storm, totals } from '../../fuzz/storm.js';

const VISITS = 150;
const TOKEN = 's3cret';
const ENDLESS = { epochs: 100_000, patience: 0, valSize: 0, lr: 0.01 };

it('a training in a storm of hostile connections ends in the weights of the undisturbed one', async () => {
  const stormy = await testRun({ recipe: ENDLESS });
  const server = await listen({
    host: '127.0.0.1',
    port: 0,
    token: TOKEN,
    tls: undefined,
    insecure: false,
    maxFrameBytes: 400_000,
    onChannel: (channel) => stormy.fleet.admit(channel, { local: false }),
  });
  onTestFinished(() => server.close());
  for (const nodeName of ['honest-a', 'honest-b']) leaveTime(analyticNode(stormy.fleet, { nodeName }));
  const training = train(stormy.run);

  const target = { host: '127.0.0.1', port: Number(new URL(server.url).port), token: TOKEN };
  const left = (): string[] => eventsOf(stormy.events, 'worker-left').map(({ node }) => node);
  /** On a busy machine visitors lose patience before they are let in: then more of them come. */
  const wasFelt = (): boolean =>
    left().filter((node) => node.startsWith('hostile-')).length > 5 &&
    eventsOf(stormy.events, 'step').length > 10;
  for (let seed = 3; !wasFelt(); seed++) {
    const counts = await storm(target, { seed, visits: VISITS, atATime: 32, inHaste: true });
    expect(totals(counts).connections).toBeGreaterThan(0.9 * VISITS);
  }
  stormy.stop.abort(new Error('the storm is over'));
  const result = await training;
  expect(result.stoppedBy).toBe('signal');
  expect(left().filter((node) => node.startsWith('honest-'))).toEqual([]);

  const calm = await testRun({ recipe: { ...ENDLESS, maxSteps: result.stepsCompleted } });
  analyticNode(calm.fleet);
  expect((await train(calm.run)).lastWeightsSha256).toBe(result.lastWeightsSha256);
});

/** Answers in another turn of the event loop, as every real node does: else a training never lets the sockets speak. */
function leaveTime(node: ScriptedNode): void {
  const send = node.send.bind(node);
  node.send = (...messages) => void setImmediate(() => send(...messages));
}
