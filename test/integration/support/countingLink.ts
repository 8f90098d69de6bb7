/** A TCP proxy before a coordinator that counts what the nodes send: they mask with zeros, so their frames can be read. */

import { connect, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';

export interface CountingLink {
  readonly port: number;
  /** How many messages of the type have come from nodes. */
  countOf(type: string): number;
  close(): void;
}

export async function countingLink(targetPort: number): Promise<CountingLink> {
  const streams: Buffer[][] = [];
  const server = createServer((near) => {
    const far = connect(targetPort, '127.0.0.1');
    const chunks: Buffer[] = [];
    streams.push(chunks);
    near.on('data', (chunk: Buffer) => chunks.push(chunk));
    near.pipe(far).pipe(near);
    for (const socket of [near, far]) socket.on('error', () => socket.destroy());
    near.on('close', () => far.destroy());
    far.on('close', () => near.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    countOf: (type) => streams.reduce((sum, chunks) => sum + occurrences(Buffer.concat(chunks), type), 0),
    close: () => server.close(),
  };
}

/** The text `type` and its value, as msgpack has short texts: a byte with the length, then the letters. */
function occurrences(stream: Buffer, type: string): number {
  const needle = Buffer.from([0xa4, ...Buffer.from('type'), 0xa0 + type.length, ...Buffer.from(type)]);
  let count = 0;
  for (let at = stream.indexOf(needle); at >= 0; at = stream.indexOf(needle, at + 1)) count++;
  return count;
}
