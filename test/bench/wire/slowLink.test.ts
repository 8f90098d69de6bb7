import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { slowLink } from '../../../bench/wire/slowLink.js';
import type { SlowLink } from '../../../bench/wire/slowLink.js';

const closers: (() => void)[] = [];
afterEach(() => closers.splice(0).forEach((close) => close()));

/** A server that sends everything back, behind a link. */
async function echoBehind(speed: Parameters<typeof slowLink>[1]): Promise<SlowLink> {
  const echo = createServer((socket) => socket.pipe(socket));
  await new Promise<void>((resolve) => echo.listen(0, '127.0.0.1', resolve));
  const link = await slowLink((echo.address() as AddressInfo).port, speed);
  closers.push(
    () => link.close(),
    () => echo.close(),
  );
  return link;
}

const digest = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

it('delivers every byte in its order both ways, counts them, and is no faster than it says', async () => {
  const link = await echoBehind({ megabitPerSecond: 40, oneWayMs: 3 });
  const sent = Buffer.from(Uint32Array.from({ length: 60_000 }, (_, index) => index).buffer);
  const socket = connect(link.port, '127.0.0.1');
  await once(socket, 'connect');
  const startedMs = performance.now();
  socket.write(sent);
  const received: Buffer[] = [];
  let count = 0;
  for await (const data of socket as AsyncIterable<Buffer>) {
    received.push(data);
    count += data.length;
    if (count >= sent.length) break;
  }
  expect(digest(Buffer.concat(received))).toBe(digest(sent));
  expect(link.bytesUp).toBe(sent.length);
  expect(link.bytesDown).toBe(sent.length);
  const leastMs = (8 * sent.length) / 40_000 + 2 * 3; // a machine that is busy can only be slower
  expect(performance.now() - startedMs).toBeGreaterThan(leastMs - 2);
});
