/**
 * A request that asks for another protocol than WebSocket, such as `Upgrade: h2c` of curl --http2. HTTP lets a server ignore
 * that and answer as usual; but Node takes such a connection away from its HTTP server. So the answer is put on the socket
 * here, and the connection ends with it.
 */

import { ServerResponse } from 'node:http';
import type { IncomingMessage } from 'node:http';

export function asksForWebSocket({ headers }: IncomingMessage): boolean {
  return headers.upgrade?.toLowerCase() === 'websocket';
}

/** The request's body, if it has one, is not read. */
export function plainResponseTo(request: IncomingMessage): ServerResponse {
  const { socket } = request;
  const response = new ServerResponse(request);
  response.shouldKeepAlive = false;
  response.assignSocket(socket);
  response.on('finish', () => socket.end());
  socket.resume();
  return response;
}
