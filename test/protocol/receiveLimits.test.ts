import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { receiveLimits } from '../../src/protocol/index.js';
import { until } from '../support/waiting.js';

const FRAME_BYTES = 400_000;

interface Receiver {
  readonly messages: number[];
  readonly errors: string[];
  /** A piece of what the other side sends, as the network delivers it. */
  readonly arrive: (bytes: Uint8Array) => void;
}

/** Pieces are handed over one by one: real sockets join them, the more so the busier the machine. */
async function receiver(): Promise<Receiver> {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0, ...receiveLimits(FRAME_BYTES) });
  await once(server, 'listening');
  onTestFinished(() => {
    for (const client of server.clients) client.terminate();
    server.close();
  });
  const accepted = once(server, 'connection') as Promise<[WebSocket, IncomingMessage]>;
  const node = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
  node.on('error', () => undefined);
  onTestFinished(() => node.terminate());
  const [socket, request] = await accepted;
  const messages: number[] = [];
  const errors: string[] = [];
  socket.on('message', (data: Buffer) => messages.push(data.byteLength));
  socket.on('error', ({ message }) => errors.push(message));
  return { messages, errors, arrive: (bytes) => void request.socket.emit('data', Buffer.from(bytes)) };
}

/** The head of a masked binary frame; the mask is zero. */
function head(byteCount: number): Uint8Array {
  const bytes = Buffer.alloc(14);
  bytes.set([0x82, 0xff]);
  bytes.writeBigUInt64BE(BigInt(byteCount), 2);
  return bytes;
}

describe('a frame', () => {
  it('may arrive in packets as small as networks know', async () => {
    const { messages, errors, arrive } = await receiver();
    arrive(head(FRAME_BYTES));
    for (let sent = 0; sent < FRAME_BYTES; sent += 512) {
      arrive(new Uint8Array(Math.min(512, FRAME_BYTES - sent)));
    }
    await until(() => messages.length + errors.length > 0);
    expect(messages).toEqual([FRAME_BYTES]);
    expect(errors).toEqual([]);
  });

  it('ends the connection when it comes byte by byte, long before that fills the memory', async () => {
    const { errors, arrive } = await receiver();
    arrive(head(FRAME_BYTES));
    let pieces = 0;
    while (errors.length === 0 && pieces < 16_000) {
      arrive(Uint8Array.of(0));
      if (++pieces % 100 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    expect(errors).toEqual([expect.stringMatching(/too many message chunks|too many/i)]);
    expect(pieces).toBeLessThan(2_000);
  });
});
