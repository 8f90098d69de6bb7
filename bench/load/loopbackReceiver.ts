/** The receiving process of `loopback.ts`: counts the bytes. Its argument is `tcp` or `websocket`. */

import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { WebSocketServer } from 'ws';
import type { ReceiverReport } from './loopback.js';

let bytes = 0;
const count = (data: Buffer): void => void (bytes += data.byteLength);
const report = (message: ReceiverReport): void => void process.send?.(message);
const listening = (address: string | AddressInfo | null): void =>
  report({ kind: 'listening', port: (address as AddressInfo).port });

if (process.argv[2] === 'tcp') {
  const server = createServer((socket) => socket.on('data', count).on('error', () => undefined));
  server.listen(0, '127.0.0.1', () => listening(server.address()));
} else {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: false });
  server.on('connection', (socket) => {
    socket.on('error', () => undefined);
    socket.on('message', (data) => count(data as Buffer));
  });
  server.on('listening', () => listening(server.address()));
}
process.on('message', () => report({ kind: 'received', bytes }));
