import { beforeEach, describe, expect, it } from 'vitest';
import { evaluate } from '../../../src/coordinator/training/evaluate.js';
import type { EvaluationScore } from '../../../src/coordinator/training/evaluate.js';
import { Fleet } from '../../../src/coordinator/fleet/fleet.js';
import { broadcastOf } from '../../../src/coordinator/index.js';
import { LockstepError } from '../../../src/foundation/errors.js';
import type { Evaluated } from '../../../src/protocol/index.js';
import { analyticNode, correctOf, evaluatedOf, honest, logitsOf } from '../../support/analyticNode.js';
import { rejectionOf } from '../../support/errors.js';
import { welcome } from '../../support/messages.js';
import { hashedValues } from '../../support/numbers.js';
import { attached } from '../../support/scriptedNode.js';
import { tinySet } from '../../support/tinySet.js';
import { settled } from '../../support/waiting.js';

const set = tinySet(260);
const state = { parameters: hashedValues(20, 1), statistics: hashedValues(4, 2) };
const indices = Uint32Array.from({ length: 250 }, (_, index) => index + 10);
const divergence = (): Error => new LockstepError('E_DIVERGED', 'not finite');
const request = { set, indices, state: broadcastOf(state, 1), divergence };

let fleet: Fleet;
beforeEach(() => {
  fleet = newFleet();
});

const newFleet = (): Fleet =>
  new Fleet({ welcome: welcome(), onEvent: () => undefined, waitTimeoutMs: 60_000 });

describe('evaluate', () => {
  it('tells how many samples are done', async () => {
    analyticNode(fleet);
    const told: [number, number][] = [];
    await evaluate(fleet, { ...request, onProgress: (done, total) => told.push([done, total]) });
    expect(told.map(([, total]) => total)).toEqual([250, 250, 250]);
    expect(told.at(-1)).toEqual([250, 250]);
    expect(told[0]![0]).toBeLessThan(250);
  });

  it('gives the mean loss and the share of right answers over all samples', async () => {
    analyticNode(fleet);
    const labels = Uint8Array.from(indices, (index) => set.labelOf(index));
    // Chunks of 100, 100 and 50; the formula's loss of a chunk is half its samples plus an eighth of its number.
    const expected: EvaluationScore = {
      loss: (125 + (0 + 1 + 2) / 8) / 250,
      accuracy: correctOf(state.parameters, labels) / 250,
      samples: 250,
    };
    expect(await evaluate(fleet, request)).toEqual(expected);
  });

  it('cuts the samples into the same chunks, and gives the same bits, whoever computes', async () => {
    const alone = newFleet();
    const node = analyticNode(alone, { threads: 4 });
    const one = await evaluate(alone, request);
    expect(node.items.map(({ labels }) => labels.length).sort()).toEqual([100, 100, 50].sort());
    for (const threads of [1, 2, 3]) analyticNode(fleet, { threads });
    expect(await evaluate(fleet, request)).toEqual(one);
  });

  it('gives the logits of every sample in their order, whoever computed them, if they are asked for', async () => {
    for (const threads of [1, 2]) analyticNode(fleet, { threads });
    const labels = Array.from(indices, (index) => set.labelOf(index));
    const { logits, ...score } = await evaluate(fleet, { ...request, wantsLogits: true });
    expect(logits).toEqual(logitsOf(labels));
    expect(await evaluate(fleet, request)).toEqual(score);
  });

  it('cuts off a node that answers with other logits than were asked for', async () => {
    const short = analyticNode(fleet, {}, (item, current) =>
      item.type === 'evaluate' ? { ...evaluatedOf(item, current), logits: new Uint8Array(4) } : undefined,
    );
    await settled();
    analyticNode(fleet);
    const { logits } = await evaluate(fleet, { ...request, wantsLogits: true });
    expect(logits).toHaveLength(10 * indices.length);
    expect(short.closings).toHaveLength(1);
  });

  it('never gives a loss that is not a number', async () => {
    analyticNode(fleet, {}, (item, weights) =>
      item.type === 'evaluate' && item.chunk === 1
        ? { ...evaluatedOf(item, weights), lossSum: NaN }
        : honest(item, weights),
    );
    await rejectionOf('E_DIVERGED', evaluate(fleet, request));
  });

  it('takes a late answer for no other evaluation’s', async () => {
    const node = await attached(fleet, { threads: 3 });
    const first = evaluate(fleet, request);
    await settled();
    const late = node.items.map((item) => evaluatedOf(item as never, broadcastOf(state, 1).message));
    for (const answer of late) node.send(answer);
    await first;
    const second = evaluate(fleet, request);
    await settled();
    for (const answer of late) node.send({ ...answer, correct: 0 });
    await settled();
    analyticNode(fleet, { threads: 3 });
    node.hangUp();
    expect(await second).toEqual(await first);
  });

  it.each<[string, Partial<Evaluated>]>([
    ['another number of samples', { sampleCount: 99 }],
    ['more right than there are', { sampleCount: 100, correct: 101 }],
  ])('cuts off a node that answers with %s', async (_what, change) => {
    const bad = analyticNode(fleet, {}, (item, current) =>
      item.type === 'evaluate' && item.chunk === 0
        ? { ...evaluatedOf(item, current), ...change }
        : honest(item, current),
    );
    await settled();
    analyticNode(fleet);
    const score = await evaluate(fleet, request);
    expect(score.samples).toBe(250);
    expect(bad.closings).toHaveLength(1);
  });
});
