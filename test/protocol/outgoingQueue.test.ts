import { describe, expect, it } from 'vitest';
import { Broadcast } from '../../src/protocol/index.js';
import { channelPair } from '../support/channelPair.js';
import { parameters, work } from '../support/messages.js';
import { until } from '../support/waiting.js';

const MIB = 2 ** 20;
const state = (version: number): Broadcast<ReturnType<typeof parameters>> =>
  new Broadcast(parameters({ version, parameters: new Uint8Array(4 * MIB).fill(version) }));

describe('a node that does not take what it is sent', () => {
  it('makes the socket hold one frame, however many steps pass, and then gets the latest state', async () => {
    const { coordinator, node, link } = await channelPair();
    link.hold();
    const dropped: number[] = [];
    for (let version = 1; version <= 100; version++) {
      coordinator.channel.send(state(version));
      coordinator.channel.send(work({ step: version }), undefined, () => dropped.push(version));
      coordinator.channel.send({ type: 'cancel', item: 'work', round: version, index: 0 });
      await new Promise((resolve) => setImmediate(resolve));
      expect(coordinator.socket.bufferedAmount).toBeLessThan(5 * MIB);
    }
    link.pass();
    await until(() => node.messages.some((message) => message.type === 'cancel' && message.round === 100));
    const states = node.messages.filter((message) => message.type === 'parameters');
    expect(states.length).toBeLessThan(10); // what the kernel had room for, and the last
    expect(states.at(-1)).toMatchObject({ version: 100 });
    const afterLast = node.messages.slice(node.messages.lastIndexOf(states.at(-1)!) + 1);
    expect(afterLast).toMatchObject([
      { type: 'work', step: 100 },
      { type: 'cancel', round: 100 },
    ]);
    // The sender is told of every item that the node never saw, and of no other.
    const seen = node.messages.flatMap((message) => (message.type === 'work' ? [message.step] : []));
    expect([...dropped, ...seen].sort((a, b) => a - b)).toEqual(
      Array.from({ length: 100 }, (_, index) => index + 1),
    );
    expect(coordinator.closings).toEqual([]);
  });

  it('gets every item that belongs to a state, in order', async () => {
    const { coordinator, node, link } = await channelPair();
    link.hold();
    coordinator.channel.send(state(1));
    for (let index = 0; index < 50; index++) {
      coordinator.channel.send(work({ microBatch: index, pixels: new Uint8Array(MIB / 4) }));
    }
    link.pass();
    await until(() => node.messages.length === 51);
    const indices = node.messages.flatMap((message) => (message.type === 'work' ? [message.microBatch] : []));
    expect(indices).toEqual(Array.from({ length: 50 }, (_, index) => index));
  });

  it('learns that the run is over without the work that nobody waits for', async () => {
    const { coordinator, node, link } = await channelPair();
    link.hold();
    for (let version = 1; version <= 20; version++) {
      coordinator.channel.send(state(version));
      coordinator.channel.send(work({ step: version }));
    }
    coordinator.channel.send({ type: 'bye', runEnded: true, reason: 'the end' });
    coordinator.channel.close('the run has ended');
    link.pass();
    await until(() => node.closings.length > 0);
    expect(node.closings).toEqual(['the run has ended']);
    expect(node.messages.at(-1)).toMatchObject({ type: 'bye', runEnded: true });
    expect(node.messages.length).toBeLessThan(20);
  });

  it('gets the bits that were sent, whatever becomes of the vectors meanwhile', async () => {
    const { coordinator, node, link } = await channelPair();
    link.hold();
    const live = new Uint8Array(MIB).fill(1);
    for (let index = 0; index < 10; index++) coordinator.channel.send(work({ pixels: live }));
    coordinator.channel.send(parameters({ parameters: live }));
    live.fill(9);
    link.pass();
    await until(() => node.messages.some(({ type }) => type === 'parameters'));
    const last = node.messages.at(-1)!;
    expect(last.type === 'parameters' && last.parameters.every((byte) => byte === 1)).toBe(true);
  });
});
