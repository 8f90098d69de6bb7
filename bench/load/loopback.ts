/**
 * The limits of loopback on this machine: frames of the same size from one process to another, over plain TCP and over a
 * bare WebSocket.
 */

import { fork } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { WebSocket } from 'ws';
import { NODE_SOCKET_OPTIONS } from '../../src/protocol/index.js';

export interface LoopbackLimit {
  readonly tcpBytesPerSecond: number;
  readonly webSocketBytesPerSecond: number;
}

export type ReceiverReport =
  | { readonly kind: 'listening'; readonly port: number }
  | { readonly kind: 'received'; readonly bytes: number };

const WARM_UP_MS = 300;

export async function measureLoopback(frameBytes: number, durationMs: number): Promise<LoopbackLimit> {
  return {
    tcpBytesPerSecond: await throughput('tcp', frameBytes, durationMs),
    webSocketBytesPerSecond: await throughput('websocket', frameBytes, durationMs),
  };
}

/** Writes a frame; resolves when the kernel has it. */
type Send = (frame: Buffer) => Promise<void>;

async function throughput(
  kind: 'tcp' | 'websocket',
  frameBytes: number,
  durationMs: number,
): Promise<number> {
  const receiver = fork(new URL('loopbackReceiver.js', import.meta.url), [kind]);
  const next = async (): Promise<ReceiverReport> => {
    const [report] = (await once(receiver, 'message')) as [ReceiverReport];
    return report;
  };
  const received = async (): Promise<{ bytes: number; atMs: number }> => {
    const answer = next();
    receiver.send('count');
    const report = await answer;
    return { bytes: report.kind === 'received' ? report.bytes : NaN, atMs: performance.now() };
  };
  try {
    const report = await next();
    const send = await (kind === 'tcp' ? overTcp : overWebSocket)(
      report.kind === 'listening' ? report.port : 0,
    );
    const frame = Buffer.alloc(frameBytes, 1);
    await keepSending(send, frame, WARM_UP_MS);
    const before = await received();
    await keepSending(send, frame, durationMs);
    const after = await received();
    return ((after.bytes - before.bytes) / (after.atMs - before.atMs)) * 1000;
  } finally {
    receiver.kill('SIGKILL');
  }
}

/** Two frames are always in flight, so that neither side waits for the other. */
async function keepSending(send: Send, frame: Buffer, durationMs: number): Promise<void> {
  const endMs = performance.now() + durationMs;
  let previous = send(frame);
  while (performance.now() < endMs) {
    const current = send(frame);
    await previous;
    previous = current;
  }
  await previous;
}

async function overTcp(port: number): Promise<Send> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined); // the receiver is stopped at the end
  await once(socket, 'connect');
  return (frame) => new Promise((resolve) => socket.write(frame, () => resolve()));
}

async function overWebSocket(port: number): Promise<Send> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}`, NODE_SOCKET_OPTIONS);
  socket.on('error', () => undefined);
  await once(socket, 'open');
  return (frame) => new Promise((resolve) => socket.send(frame, () => resolve()));
}
