import { describe, expect, it } from 'vitest';
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

describe('a peer that lives', () => {
  it('is kept through many timeouts in which nothing is said', async () => {
    const { coordinator, node } = await channelPair({ coordinatorMs: SOON_MS, nodeMs: SOON_MS });
    let pings = 0;
    coordinator.socket.on('ping', () => pings++);
    await until(() => pings >= 20); // five an interval: four timeouts
    expect([...coordinator.closings, ...node.closings]).toEqual([]);
  });

  it('is kept by a side with a long timeout and by one with a short one', async () => {
    const { coordinator, node } = await channelPair({ coordinatorMs: NEVER_MS, nodeMs: SOON_MS });
    let pings = 0;
    coordinator.socket.on('ping', () => pings++);
    await until(() => pings >= 20);
    expect([...coordinator.closings, ...node.closings]).toEqual([]);
  });

  it('is kept while one frame takes several timeouts on a slow link, in both directions at once', async () => {
    const { coordinator, node, link } = await channelPair({ coordinatorMs: SOON_MS, nodeMs: SOON_MS });
    link.trickle(1000); // every 5 ms at best
    const startedMs = performance.now();
    coordinator.channel.send(parameters({ parameters: new Uint8Array(400_000).fill(3) }));
    node.channel.send(result({ gradientSum: new Uint8Array(400_000).fill(4) }));
    await until(() => coordinator.messages.length > 0 && node.messages.length > 0, 30_000);
    expect(performance.now() - startedMs).toBeGreaterThan(4 * SOON_MS); // or this shows nothing
    expect([...coordinator.closings, ...node.closings]).toEqual([]);
    expect(coordinator.messages[0]).toMatchObject({ type: 'result' });
    expect(node.messages[0]).toMatchObject({ type: 'parameters' });
  });
});
