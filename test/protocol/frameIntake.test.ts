/** The judge is `ws` itself: with the intake in front of it, the same messages must come, in the same order. */

import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { WebSocketServer } from 'ws';
import type { WebSocket } from 'ws';
import { takeLargeFrames } from '../../src/protocol/frameIntake.js';
import { FrameMemory } from '../../src/protocol/frameMemory.js';
import { until } from '../support/waiting.js';

const MOST = 400_000;
const LARGE = 65_536;
const TEXT = 1;
const BINARY = 2;
const CONTINUATION = 0;
const CLOSE = 8;
const PING = 9;

interface FrameOptions {
  readonly opcode?: number;
  readonly final?: boolean;
  readonly mask?: Buffer;
  /** More bytes of length than needed are allowed by some, and refused by others. */
  readonly first?: number;
}

function frame(
  payload: Buffer,
  { opcode = BINARY, final = true, mask = Buffer.alloc(4) }: FrameOptions = {},
): Buffer {
  const { length } = payload;
  const size = length < 126 ? 0 : length < 65_536 ? 2 : 8;
  const head = Buffer.alloc(2 + size);
  head[0] = (final ? 0x80 : 0) | opcode;
  head[1] = 0x80 | (size === 0 ? length : size === 2 ? 126 : 127);
  if (size === 2) head.writeUInt16BE(length, 2);
  if (size === 8) head.writeBigUInt64BE(BigInt(length), 2);
  const masked = Buffer.from(payload);
  if (!mask.equals(Buffer.alloc(4)))
    masked.forEach((byte, index) => (masked[index] = byte ^ mask[index % 4]!));
  return Buffer.concat([head, mask, masked]);
}

interface Receiver {
  readonly client: Socket;
  readonly webSocket: WebSocket;
  readonly socket: Socket;
  /** Messages, pings and the end, in order. */
  readonly heard: string[];
  readonly memory: FrameMemory;
  /** How many messages were taken before `ws`. */
  readonly taken: () => number;
}

async function receiver(hasIntake: boolean): Promise<Receiver> {
  const server = new WebSocketServer({
    host: '127.0.0.1',
    port: 0,
    maxPayload: MOST,
    perMessageDeflate: false,
  });
  await once(server, 'listening');
  const connected = once(server, 'connection') as Promise<[WebSocket, { socket: Socket }]>;
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  client.on('error', () => undefined);
  onTestFinished(() => {
    client.destroy();
    for (const each of server.clients) each.terminate();
    server.close();
  });
  client.write(
    'GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n',
  );
  const [webSocket, { socket }] = await connected;
  const heard: string[] = [];
  const tell = (what: string, data: Uint8Array): void =>
    void heard.push(`${what} of ${data.byteLength}: ${Buffer.from(data).toString('base64').slice(-40)}`);
  const memory = new FrameMemory(MOST);
  let taken = 0;
  webSocket.on('message', (data) => tell('message', data as Buffer));
  webSocket.on('ping', (data) => tell('ping', data));
  webSocket.on('error', (error) => heard.push(`error: ${error.message}`));
  webSocket.on('close', (code) => heard.push(`closed: ${code}`));
  if (hasIntake) {
    takeLargeFrames(webSocket, socket, memory, (data) => {
      taken++;
      tell('message', data);
    });
  }
  return { client, webSocket, socket, heard, memory, taken: () => taken };
}

/** Writes the stream in pieces that arrive as such: each is awaited. */
async function deliver({ client, socket }: Receiver, stream: Buffer, cuts: readonly number[]): Promise<void> {
  const before = socket.bytesRead;
  let from = 0;
  for (const to of [...cuts, stream.length]) {
    client.write(stream.subarray(from, to));
    await until(() => socket.bytesRead >= before + to || socket.destroyed);
    from = to;
  }
}

const bytes = (length: number): Buffer => randomBytes(length);

const STREAMS: Readonly<Record<string, () => readonly Buffer[]>> = {
  'large messages, one after the other': () => [
    frame(bytes(LARGE)),
    frame(bytes(MOST)),
    frame(bytes(LARGE + 1)),
  ],
  'small and large ones in turns': () => [
    ...[frame(bytes(5)), frame(bytes(100_000)), frame(bytes(300)), frame(bytes(LARGE - 1)), frame(bytes(0))],
    ...[frame(bytes(200_000)), frame(bytes(1))],
  ],
  'pings between them': () => [
    ...[frame(bytes(4), { opcode: PING }), frame(bytes(100_000)), frame(bytes(125), { opcode: PING })],
    frame(bytes(70_000)),
  ],
  'messages in fragments, large ones and a ping among them': () => [
    frame(bytes(100_000), { final: false }),
    frame(bytes(3), { opcode: PING }),
    frame(bytes(90_000), { opcode: CONTINUATION, final: false }),
    frame(bytes(80_000), { opcode: CONTINUATION }),
    frame(bytes(100_000)),
  ],
  'other masks than zeros': () => [
    frame(bytes(100_000), { mask: bytes(4) }),
    frame(bytes(100_000)),
    frame(bytes(100), { mask: bytes(4) }),
  ],
  'a text among them': () => [
    frame(bytes(100_000)),
    frame(Buffer.from('a'.repeat(90_000)), { opcode: TEXT }),
  ],
  'the end, and more behind it': () => [
    frame(bytes(100_000)),
    frame(Buffer.from([0x03, 0xe8]), { opcode: CLOSE }),
    frame(bytes(100_000)),
    frame(bytes(10)),
  ],
  'a message that is too large': () => [frame(bytes(100_000)), frame(bytes(MOST + 1)), frame(bytes(100_000))],
  'a large message within another': () => [
    frame(bytes(100), { final: false }),
    frame(bytes(100_000)),
    frame(bytes(100_000)),
  ],
  'a reserved bit': () => [
    frame(bytes(100_000)),
    frame(bytes(100_000), { opcode: BINARY | 0x40 }),
    frame(bytes(100)),
  ],
  'a reserved opcode': () => [frame(bytes(100_000), { opcode: 3 }), frame(bytes(100_000))],
  'no mask': () => [
    Buffer.concat([Buffer.from([0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0]), bytes(65_536)]),
    frame(bytes(9)),
  ],
  'a length that no number holds': () => [
    frame(bytes(100_000)),
    Buffer.concat([Buffer.from([0x82, 0xff]), Buffer.alloc(8, 0xff), Buffer.alloc(4)]),
    frame(bytes(100_000)),
  ],
};

describe('large frames are taken before ws, and nothing else changes', () => {
  for (const [name, make] of Object.entries(STREAMS)) {
    it(`hears what ws alone hears: ${name}`, async () => {
      const frames = make();
      const stream = Buffer.concat(frames);
      const starts = frames.map((_, index) => Buffer.concat(frames.slice(0, index)).length);
      const cutsOf: readonly (readonly number[])[] = [
        [],
        // Within the heads, which are of 6 to 14 bytes.
        starts.flatMap((start) => [1, 2, 3, 7, 9, 13, 14, 15].map((more) => start + more)),
        starts.flatMap((start) => [start, start + 40_000, start + 65_000]),
      ].map((cuts) =>
        [...new Set(cuts)].filter((cut) => cut > 0 && cut < stream.length).sort((a, b) => a - b),
      );
      for (const cuts of cutsOf) {
        const [alone, both] = [await receiver(false), await receiver(true)];
        for (const one of [alone, both]) await deliver(one, stream, cuts);
        for (const { client } of [alone, both]) client.end();
        await until(() => [alone, both].every(({ heard }) => heard.at(-1)?.startsWith('closed') === true));
        expect(both.heard).toEqual(alone.heard);
        expect(alone.heard.length).toBeGreaterThan(1);
      }
    });
  }

  it('takes the large ones, with a mask of zeros, and leaves the others', async () => {
    const one = await receiver(true);
    const sizes = [LARGE, LARGE - 1, 200_000, 100];
    await deliver(one, Buffer.concat(sizes.map((size) => frame(bytes(size)))), []);
    await until(() => one.heard.length === sizes.length);
    expect(one.taken()).toBe(2);
  });
});

describe('a socket that is paused', () => {
  /** A large message that is begun, and then, while nothing is read, its end and another message. */
  async function pausedWithin(hasIntake: boolean): Promise<Receiver> {
    const one = await receiver(hasIntake);
    const large = frame(LARGE_PAYLOAD);
    const stream = Buffer.concat([frame(Buffer.from('first')), large, frame(Buffer.from('last'))]);
    const cut = stream.length - 40;
    await deliver(one, stream.subarray(0, cut), []);
    await until(() => one.heard.length === 1);
    one.webSocket.pause();
    await deliver(one, stream.subarray(cut), []);
    expect(one.socket.readableLength).toBe(40);
    return one;
  }
  const LARGE_PAYLOAD = bytes(100_000);

  it.each<[string, (one: Receiver) => void]>([
    ['cut off by its peer', ({ client }) => client.resetAndDestroy()],
    ['ended on this side', ({ socket }) => socket.destroy()],
    ['terminated', ({ webSocket }) => webSocket.terminate()],
  ])('and %s gives what had arrived, as ws alone does', async (_what, end) => {
    const [alone, both] = [await pausedWithin(false), await pausedWithin(true)];
    for (const one of [alone, both]) {
      end(one);
      await until(() => one.heard.at(-1)?.startsWith('closed') === true);
    }
    expect(both.heard).toEqual(alone.heard);
    expect(alone.heard.filter((what) => what.startsWith('message'))).toHaveLength(3);
    expect(both.taken()).toBe(1);
    expect(both.memory.spareCount).toBe(0);
  });

  it('and whose peer ends goes on when it is read again, as ws alone does', async () => {
    const [alone, both] = [await pausedWithin(false), await pausedWithin(true)];
    for (const one of [alone, both]) {
      one.client.end();
      one.webSocket.resume();
      await until(() => one.heard.at(-1)?.startsWith('closed') === true);
    }
    expect(both.heard).toEqual(alone.heard);
    expect(both.taken()).toBe(1);
  });
});

describe('memory of frames', () => {
  it('is used again by all connections, and let go with them', () => {
    const memory = new FrameMemory(1000);
    memory.connect();
    memory.connect();
    const [one, other] = [memory.borrow(), memory.borrow()];
    memory.giveBack(one);
    memory.giveBack(other);
    expect(new Set([memory.borrow(), memory.borrow()])).toEqual(new Set([one, other]));
    memory.giveBack(one);
    memory.giveBack(other);
    memory.disconnect();
    expect(memory.spareCount).toBe(1);
    memory.disconnect();
    expect(memory.spareCount).toBe(0);
  });

  it('comes back from a connection that ends in the middle of a frame', async () => {
    const one = await receiver(true);
    const whole = frame(bytes(MOST));
    await deliver(one, whole, []);
    await until(() => one.taken() === 1);
    expect(one.memory.spareCount).toBe(1);
    await deliver(one, whole.subarray(0, 100_000), []);
    await until(() => one.memory.spareCount === 0);
    const borrowed = one.memory;
    borrowed.connect(); // so that the place is not let go with this connection
    one.client.destroy();
    await until(() => borrowed.spareCount === 1);
    expect(one.taken()).toBe(1);
  });
});
