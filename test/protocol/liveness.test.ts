import { describe, expect, it } from 'vitest';
import { beatByHand, beatFourTimeouts } from '../support/beats.js';
import { channelPair } from '../support/channelPair.js';
import { parameters, result } from '../support/messages.js';
import { until } from '../support/waiting.js';

const SOON_MS = 300;
const NEVER_MS = 1e7;
const SILENCE = 'no sign of life for 0.3 s';

describe('a peer that is gone without a word', () => {
  it('is noticed by the coordinator, with a reason that says how long it was silent', async () => {
    const { coordinator, node, link } = await channelPair({ coordinatorMs: SOON_MS, nodeMs: NEVER_MS });
    link.swallow();
    await until(() => coordinator.closings.length > 0);
    expect(coordinator.closings).toEqual([SILENCE]);
    await until(() => node.closings.length > 0); // the link fell with it: the node's own heartbeat had no part in that
    expect(node.closings).toEqual(['the connection was lost']);
  });

  it('is noticed by the node', async () => {
    const { coordinator, node, link } = await channelPair({ coordinatorMs: NEVER_MS, nodeMs: SOON_MS });
    link.swallow();
    await until(() => node.closings.length > 0);
    expect(node.closings).toEqual([SILENCE]);
    await until(() => coordinator.closings.length > 0);
    expect(coordinator.closings).toEqual(['the connection was lost']);
  });

  it('is noticed although everything that it is sent is taken', async () => {
    const { coordinator, link } = await channelPair({ coordinatorMs: SOON_MS, nodeMs: NEVER_MS });
    link.swallow();
    const sending = setInterval(() => coordinator.channel.send(parameters()), 20);
    await until(() => coordinator.closings.length > 0);
    clearInterval(sending);
    expect(coordinator.closings).toEqual([SILENCE]);
  });

  it('is noticed although the goodbye to it cannot be delivered', async () => {
    const { coordinator, link } = await channelPair({ coordinatorMs: SOON_MS, nodeMs: NEVER_MS });
    link.hold();
    coordinator.channel.send(parameters({ parameters: new Uint8Array(2 ** 25) }));
    coordinator.channel.close('the run has ended');
    await until(() => coordinator.closings.length > 0);
    expect(coordinator.closings).toEqual([SILENCE]);
  });
});

/** Here time is moved by hand: a busy machine cannot make a side miss the other. */
describe('a peer that lives', () => {
  it.each([
    ['by both sides', SOON_MS],
    ['by a side with a short timeout while the other’s is long', NEVER_MS],
  ])('is kept through many timeouts in which nothing is said, %s', async (_whom, coordinatorMs) => {
    const beats = beatByHand(SOON_MS);
    const { coordinator, node } = await channelPair({ coordinatorMs, nodeMs: SOON_MS });
    await beatFourTimeouts(beats, [coordinator.transport, node.transport]);
    expect([...coordinator.closings, ...node.closings]).toEqual([]);
  });

  it('is kept while one frame takes several timeouts on a slow link, in both directions at once', async () => {
    const beats = beatByHand(SOON_MS);
    const { coordinator, node, link } = await channelPair({ coordinatorMs: SOON_MS, nodeMs: SOON_MS });
    link.trickle(1000); // twelve times a beat
    coordinator.channel.send(parameters({ parameters: new Uint8Array(400_000).fill(3) }));
    node.channel.send(result({ gradientSum: new Uint8Array(400_000).fill(4) }));
    await beatFourTimeouts(beats, [coordinator.transport, node.transport], () => link.isLoaded());
    expect([...coordinator.messages, ...node.messages]).toEqual([]); // or this shows nothing
    await beats.beatUntil(() => coordinator.messages.length > 0 && node.messages.length > 0);
    expect([...coordinator.closings, ...node.closings]).toEqual([]);
    expect(coordinator.messages[0]).toMatchObject({ type: 'result' });
    expect(node.messages[0]).toMatchObject({ type: 'parameters' });
  });
});
