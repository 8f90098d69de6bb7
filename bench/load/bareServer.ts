/** The server process of `bareWebSocket.ts`. Its argument: the options, as JSON. */

import type { AddressInfo } from 'node:net';
import { WebSocketServer } from 'ws';
import type { WebSocket } from 'ws';
import type { BareOptions, BareReport } from './bareWebSocket.js';

const { connections, frameBytes, warmUpRounds, rounds } = JSON.parse(process.argv[2]!) as BareOptions;
const report = (message: BareReport): void => void process.send?.(message);
const frame = Buffer.alloc(frameBytes, 1);
const sockets: WebSocket[] = [];
let missing = 0;
let finish: () => void = () => undefined;

/** One frame to each, and one from each. */
function round(): Promise<void> {
  missing = connections;
  return new Promise((resolve) => {
    finish = resolve;
    for (const socket of sockets) socket.send(frame);
  });
}

async function measure(): Promise<void> {
  for (let count = 0; count < warmUpRounds; count++) await round();
  const before = process.cpuUsage();
  for (let count = 0; count < rounds; count++) await round();
  const { user, system } = process.cpuUsage(before);
  report({ kind: 'done', userMs: user / 1000, systemMs: system / 1000 });
}

const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: false });
server.on('connection', (socket) => {
  socket.on('error', () => undefined); // the other ends are stopped at the end
  socket.on('message', () => {
    if (--missing === 0) finish();
  });
  if (sockets.push(socket) === connections) void measure();
});
server.on('listening', () => report({ kind: 'listening', port: (server.address() as AddressInfo).port }));
