/** An HTTP proxy on a loopback port that knows only CONNECT. */

import { createServer } from 'node:http';
import { connect } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { onTestFinished } from 'vitest';

export interface ConnectProxy {
  readonly url: URL;
  /** The requests, as `HOST:PORT`, with the credentials sent. */
  readonly asked: { readonly target: string; readonly credentials: string | undefined }[];
}

/** @param password that it requires, as NAME:PASSWORD */
export async function connectProxy(password?: string): Promise<ConnectProxy> {
  const asked: { target: string; credentials: string | undefined }[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((_request, response) => response.writeHead(400).end());
  server.on('connect', (request, near: Socket) => {
    const target = request.url!;
    const shown = request.headers['proxy-authorization']?.replace(/^Basic /, '');
    const credentials = shown === undefined ? undefined : Buffer.from(shown, 'base64').toString();
    asked.push({ target, credentials });
    near.on('error', () => near.destroy());
    if (credentials !== password) {
      near.end('HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n');
      return;
    }
    const { hostname, port } = new URL(`http://${target}`);
    const far = connect(Number(port), hostname.replace(/^\[|\]$/g, ''), () => {
      near.write('HTTP/1.1 200 Connection established\r\n\r\n');
      near.pipe(far).pipe(near);
    });
    sockets.add(near).add(far);
    far.on('error', () => near.destroy());
    far.on('close', () => near.destroy());
    near.on('close', () => far.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { url: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`), asked };
}
