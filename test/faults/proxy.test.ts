/** The bad network is as bad as it says, and no worse. */

import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { decodeNodeMessage, encodeMessage } from '../../src/protocol/index.js';
import type { NodeMessage } from '../../src/protocol/index.js';
import { result } from '../support/messages.js';
import { until } from '../support/waiting.js';
import { PASS, Proxy } from './proxy.js';
import type { Fate } from './support/link.js';
import { FrameSplitter } from './support/frames.js';
import { isResultOf } from './support/matching.js';

/** No msgpack map begins with it. */
const FILLER = 7;

let server: WebSocketServer;
let proxy: Proxy;
let client: WebSocket;
/** What reached the server: steps of the results, and all bytes behind the handshake, by connection. */
let steps: number[];
let rawBytes: Buffer[];
let closings: string[];

beforeEach(async () => {
  [steps, rawBytes, closings] = [[], [], []];
  server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: false });
  await once(server, 'listening');
  const log = closings; // of this test: the sockets of the one before may still be closing
  server.on('connection', (socket, request: IncomingMessage) => {
    request.socket.on('data', (chunk: Buffer) => rawBytes.push(Buffer.from(chunk)));
    socket.on('message', (data: Buffer) => {
      if (data.length > 0 && data[0] !== FILLER) steps.push(stepIn(data));
    });
    socket.on('error', () => undefined);
    socket.on('close', () => log.push('server'));
  });
  proxy = await Proxy.open((server.address() as AddressInfo).port);
  client = await connected();
});
afterEach(async () => {
  client.terminate();
  await proxy.close();
  server.close();
});

function stepIn(frame: Uint8Array): number {
  const message = decodeNodeMessage(frame);
  return message.type === 'result' ? message.step : -1;
}

async function connected(): Promise<WebSocket> {
  const log = closings;
  const socket = new WebSocket(proxy.url, { perMessageDeflate: false });
  await once(socket, 'open');
  socket.on('close', () => log.push('client'));
  return socket;
}

describe('FrameSplitter', () => {
  it('finds the head and frames of every size, wherever the bytes are cut', async () => {
    const sizes = [0, 1, 125, 126, 65_535, 65_536, 300_000];
    for (const size of sizes) client.send(Buffer.alloc(size, FILLER));
    client.close();
    await until(() => closings.includes('server'));
    const wire = Buffer.concat([Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n'), ...rawBytes]);
    for (const chunkBytes of [1, 13, 4_096, wire.length]) {
      const splitter = new FrameSplitter('node');
      const pieces = Array.from({ length: Math.ceil(wire.length / chunkBytes) }, (_, index) =>
        splitter.push(wire.subarray(index * chunkBytes, (index + 1) * chunkBytes)),
      ).flat();
      expect(pieces).toHaveLength(1 + sizes.length + 1); // and the frame that closes
      expect(Buffer.concat(pieces.map(({ bytes }) => bytes)).equals(wire)).toBe(true);
    }
  });
});

describe('Proxy', () => {
  const say = (message: NodeMessage, by = client): void => by.send(encodeMessage(message));
  /** Steps of the results that have arrived whole. */
  const arrived = async (count: number): Promise<number[]> => {
    await until(() => steps.length >= count);
    return steps;
  };
  const decideOver = (step: number, fate: Fate): Promise<unknown> =>
    proxy.once(`step ${step}`, isResultOf(step, 1), () => fate);

  it('sees what is said, and drops what it is told to', async () => {
    const dropped = decideOver(1, { kind: 'drop' });
    for (const step of [0, 1, 2]) say(result({ step }));
    expect(await arrived(2)).toEqual([0, 2]);
    await dropped;
  });

  it.each([
    ['before', []],
    ['within', []],
    ['after', [1]],
  ] as const)('cuts the connection %s a frame', async (where, whole) => {
    const cut = decideOver(1, { kind: 'cut', where });
    for (const step of [0, 1, 2]) say(result({ step }));
    await cut;
    await until(() => closings.length === 2);
    expect(steps).toEqual([0, ...whole]);
  });

  it('strands a frame until it is released, on a connection that only the node has lost', async () => {
    let release: (() => Promise<void>) | undefined;
    const caught = decideOver(1, { kind: 'strand', onStranded: (callback) => (release = callback) });
    say(result({ step: 1 }));
    await caught;
    await until(() => closings.length > 0);
    expect(closings).toEqual(['client']);
    const second = await connected();
    say(result({ step: 2 }), second);
    await arrived(1);
    await release!();
    expect(await arrived(2)).toEqual([2, 1]);
    second.terminate();
  });

  it('tells when a stranded frame cannot arrive any more', async () => {
    let release: (() => Promise<void>) | undefined;
    const caught = decideOver(1, { kind: 'strand', onStranded: (callback) => (release = callback) });
    say(result({ step: 1 }));
    await caught;
    for (const socket of server.clients) socket.terminate();
    await until(() => closings.includes('server') && proxy.links.size === 0);
    await expect(release!()).rejects.toThrow('had ended before');
  });

  it('swallows everything without telling anybody, and lets a new connection through', async () => {
    say(result({ step: 0 }));
    await arrived(1);
    proxy.swallow();
    say(result({ step: 1 }));
    const second = await connected();
    say(result({ step: 2 }), second);
    expect(await arrived(2)).toEqual([0, 2]);
    expect(closings).toEqual([]);
    second.terminate();
  });

  it('passes everything, in order, however slowly', async () => {
    proxy.pace = { bytesPerSecond: 2_000_000, delayMs: () => 3 };
    const stop = proxy.watch(() => PASS);
    for (const step of [0, 1, 2, 3]) say(result({ step, gradientSum: new Uint8Array(40_000) }));
    expect(await arrived(4)).toEqual([0, 1, 2, 3]);
    stop();
  });
});
