/** The other ends of `bareWebSocket.ts`: each answers a frame with one. Arguments: port, connections, bytes of a frame. */

import { WebSocket } from 'ws';
import { NODE_SOCKET_OPTIONS } from '../../src/protocol/index.js';

const [port, count, frameBytes] = process.argv.slice(2).map(Number) as [number, number, number];
const frame = Buffer.alloc(frameBytes, 1);
for (let index = 0; index < count; index++) {
  const socket = new WebSocket(`ws://127.0.0.1:${port}`, NODE_SOCKET_OPTIONS);
  socket.on('error', () => undefined);
  socket.on('message', () => socket.send(frame));
}
