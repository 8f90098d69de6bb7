/** A server before the coordinator's, whose first pages are of another version; then it is updated. */

import { createServer, request as ask } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { connect } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { LOCKSTEP_VERSION } from '../../../src/protocol/index.js';

const OTHER_VERSION = '0.0.0';

export interface OlderPages {
  readonly host: string;
  /** How often a page was loaded. */
  readonly pagesServed: () => number;
  close(): void;
}

/** @param port of the coordinator */
export async function olderPages(port: number, olderCount: number): Promise<OlderPages> {
  let pagesServed = 0;
  const server = createServer((request, response) => {
    if (request.url === '/join') pagesServed++;
    const isOld = pagesServed <= olderCount;
    const { url: path, method } = request;
    const headers = { ...request.headers, 'accept-encoding': 'identity' };
    const asked = ask({ host: '127.0.0.1', port, path, method, headers }, (answer) =>
      isOld ? void pass(answer, response, asOther) : void pass(answer, response),
    );
    asked.on('error', () => response.destroy());
    request.pipe(asked);
  });
  server.on('upgrade', (request: IncomingMessage, socket: Socket) => {
    const lines = [`GET ${request.url} HTTP/1.1`];
    for (let index = 0; index < request.rawHeaders.length; index += 2) {
      lines.push(`${request.rawHeaders[index]!}: ${request.rawHeaders[index + 1]!}`);
    }
    const there = connect(port, '127.0.0.1', () => there.write(`${lines.join('\r\n')}\r\n\r\n`));
    there.on('error', () => socket.destroy());
    socket.on('error', () => there.destroy());
    socket.pipe(there).pipe(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    pagesServed: () => pagesServed,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

const asOther = (text: string): string => text.replaceAll(LOCKSTEP_VERSION, OTHER_VERSION);

async function pass(
  answer: IncomingMessage,
  response: ServerResponse,
  change = (text: string): string => text,
): Promise<void> {
  const { 'content-length': _length, etag: _etag, ...headers } = answer.headers;
  const body = Buffer.concat((await answer.toArray()) as Buffer[]).toString();
  response.writeHead(answer.statusCode!, headers).end(change(body));
}
