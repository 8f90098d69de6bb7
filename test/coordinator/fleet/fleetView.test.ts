/** What people see of the fleet: who has which item, and what became of what each node was given. */

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Fleet } from '../../../src/coordinator/fleet/fleet.js';
import type { FleetView, NodeView } from '../../../src/coordinator/index.js';
import { Broadcast } from '../../../src/protocol/index.js';
import { channelPair } from '../../support/channelPair.js';
import { failed, hello, parameters, welcome, work } from '../../support/messages.js';
import { answerTo, attached } from '../../support/scriptedNode.js';
import type { ScriptedNode } from '../../support/scriptedNode.js';
import { settled, until } from '../../support/waiting.js';

const STEP = 3;
const SAMPLES = 2;

function startRound(fleet: Fleet, itemCount: number): Promise<void> {
  const done = fleet.run({
    kind: 'work',
    round: STEP,
    state: new Broadcast(parameters()),
    itemCount,
    sampleCountOf: () => SAMPLES,
    message: (microBatch) => work({ step: STEP, microBatch }),
    accept: () => ({ kind: 'accepted' }),
  });
  done.catch(() => undefined);
  return done;
}

function makeFleet(): Fleet {
  const areAnswersRead = (): boolean => true; // time is fake, and the process never waits
  return new Fleet({ welcome: welcome(), onEvent: () => undefined, waitTimeoutMs: 60_000, areAnswersRead });
}

async function answer(node: ScriptedNode, count = 1): Promise<void> {
  node.send(...node.items.slice(0, count).map(answerTo));
  await settled();
}

const nodeOf = ({ nodes }: FleetView, name: string): NodeView => nodes.find((node) => node.name === name)!;

describe('the view of a fleet', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('shows who is attached, since when, and no network to a node of this process', async () => {
    const fleet = makeFleet();
    expect(fleet.view()).toEqual({ nodes: [], round: undefined });
    const remote = await attached(fleet, { nodeName: 'alpha', threads: 2 });
    await attached(fleet, { nodeName: 'beta' }, { local: true });
    vi.advanceTimersByTime(5_000);
    remote.send({ type: 'drain' });
    const view = fleet.view();
    expect(nodeOf(view, 'alpha')).toMatchObject({
      host: 'a test',
      threads: 2,
      attachedSeconds: 5,
      isLocal: false,
    });
    expect(nodeOf(view, 'beta')).toMatchObject({ isLocal: true, bytesReceived: null, roundTripMs: null });
    expect(nodeOf(view, 'alpha').id).not.toBe(nodeOf(view, 'beta').id);
  });

  it('shows of a round who computes and who has answered each item, and counts what each node did', async () => {
    const fleet = makeFleet();
    const alpha = await attached(fleet, { nodeName: 'alpha' });
    await attached(fleet, { nodeName: 'beta' });
    const done = startRound(fleet, 5);
    await settled();
    expect(fleet.view().round).toEqual({ kind: 'work', round: STEP, items: [1, 2, 1, 2, 0] });
    await answer(alpha);
    const view = fleet.view();
    expect(view.round!.items).toEqual([-1, 2, 1, 2, 1]);
    expect(nodeOf(view, 'alpha')).toMatchObject({
      ...{ itemsGiven: 3, itemsAnswered: 1, itemsHeld: 2, trainedImages: SAMPLES },
      ...{ itemsRepeated: 0, itemsLate: 0, itemsFailed: 0 },
    });
    alpha.send(failed({ round: STEP, index: 2 }));
    await settled();
    expect(nodeOf(fleet.view(), 'alpha').itemsFailed).toBe(1);
    alpha.hangUp();
    await settled();
    // beta is the first node now; what alpha has answered stays answered.
    expect(fleet.view().round!.items[0]).toBe(-2);
    fleet.abort(new Error('over'));
    await done.catch(() => undefined);
    expect(fleet.view().round).toBeUndefined();
  });

  it('counts an item that is repeated as late for one node and as a copy for the other', async () => {
    const fleet = makeFleet();
    const quick = await attached(fleet, { nodeName: 'quick' });
    await attached(fleet, { nodeName: 'stalled' });
    startRound(fleet, 2).catch(() => undefined);
    await settled();
    vi.advanceTimersByTime(100);
    await answer(quick);
    await vi.advanceTimersByTimeAsync(120_000); // whatever is usual, this is late
    const view = fleet.view();
    expect(nodeOf(view, 'stalled')).toMatchObject({ itemsGiven: 1, itemsLate: 1, itemsRepeated: 0 });
    expect(nodeOf(view, 'quick')).toMatchObject({ itemsGiven: 2, itemsLate: 0, itemsRepeated: 1 });
    fleet.abort(new Error('over'));
  });
});

describe('the traffic of a node', () => {
  it('is that of its connection, with the time that a ping takes', async () => {
    const { coordinator, node } = await channelPair({ coordinatorMs: 2_000 });
    node.channel.send(hello());
    await until(() => coordinator.messages.length === 1);
    const first = coordinator.channel.traffic!()!;
    expect(first.bytesReceived).toBe(coordinator.transport.bytesRead);
    expect(first.bytesReceived).toBeGreaterThan(100);
    await until(() => coordinator.channel.traffic!()!.roundTripMs !== undefined);
    const { roundTripMs, heardAtMs, bytesSent } = coordinator.channel.traffic!()!;
    expect(roundTripMs).toBeGreaterThan(0);
    expect(heardAtMs).toBeGreaterThan(first.heardAtMs);
    expect(bytesSent).toBeGreaterThan(first.bytesSent);
  });
});
