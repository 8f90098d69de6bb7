/** A server before the coordinator's that changes the text of pages on their way, and passes connections of nodes on. */

import { createServer, request as ask } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { connect } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';

export interface ChangedPages {
  readonly host: string;
  close(): void;
}

/** How to change the file of this path; undefined: it is not changed. */
export type ChangeOfPath = (path: string) => ((text: string) => string) | undefined;

/** @param port of the coordinator */
export async function changedPages(port: number, changeOf: ChangeOfPath): Promise<ChangedPages> {
  const server = createServer((request, response) => {
    const { url: path = '', method } = request;
    const change = changeOf(path);
    const headers = { ...request.headers, 'accept-encoding': 'identity' };
    const asked = ask(
      { host: '127.0.0.1', port, path, method, headers },
      (answer) => void pass(answer, response, change),
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
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

async function pass(
  answer: IncomingMessage,
  response: ServerResponse,
  change = (text: string): string => text,
): Promise<void> {
  const { 'content-length': _length, etag: _etag, ...headers } = answer.headers;
  const body = Buffer.concat((await answer.toArray()) as Buffer[]).toString();
  response.writeHead(answer.statusCode!, headers).end(change(body));
}
