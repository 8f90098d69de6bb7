/** A link of a given rate and delay before a coordinator, as a TCP proxy: one of its own for each node, the same both ways. */

import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';

export interface LinkSpeed {
  /** Undefined: as fast as loopback is. */
  readonly megabitPerSecond: number | undefined;
  /** Half of the round trip. */
  readonly oneWayMs: number;
}

export interface SlowLink {
  readonly port: number;
  readonly bytesUp: number;
  readonly bytesDown: number;
  close(): void;
}

/** Cut so small that what is sent meanwhile is not delayed much. */
const PIECE_BYTES = 4096;
/** Bytes that wait in the link, besides those under way; more wait at the sender. */
const MOST_WAITING_BYTES = 64 * 1024;

export async function slowLink(targetPort: number, speed: LinkSpeed): Promise<SlowLink> {
  const bytes = { up: 0, down: 0 };
  const server = createServer((near) => {
    const far = connect(targetPort, '127.0.0.1');
    for (const socket of [near, far]) {
      socket.setNoDelay(true);
      socket.on('error', () => socket.destroy());
    }
    near.on('close', () => far.destroy());
    far.on('close', () => near.destroy());
    forward(near, far, speed, (count) => (bytes.up += count));
    forward(far, near, speed, (count) => (bytes.down += count));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    get bytesUp() {
      return bytes.up;
    },
    get bytesDown() {
      return bytes.down;
    },
    close: () => server.close(),
  };
}

interface Piece {
  readonly bytes: Buffer;
  readonly arrivesAtMs: number;
}

/** Each piece leaves when those before it have, and arrives a while later. */
function forward(
  from: Socket,
  to: Socket,
  { megabitPerSecond, oneWayMs }: LinkSpeed,
  count: (bytes: number) => void,
): void {
  const bytesPerMs = megabitPerSecond === undefined ? Infinity : (megabitPerSecond * 1e6) / 8 / 1000;
  const underWayBytes = megabitPerSecond === undefined ? 0 : bytesPerMs * oneWayMs;
  const mostBytes = MOST_WAITING_BYTES + underWayBytes;
  const waiting: Piece[] = [];
  let freeAtMs = 0;
  let waitingBytes = 0;
  let isTimed = false;
  const deliver = (): void => {
    isTimed = false;
    const nowMs = performance.now();
    for (let piece = waiting[0]; piece && piece.arrivesAtMs <= nowMs; piece = waiting[0]) {
      waiting.shift();
      waitingBytes -= piece.bytes.length;
      count(piece.bytes.length);
      if (!to.destroyed) to.write(piece.bytes);
    }
    if (waitingBytes < mostBytes) from.resume();
    wait();
  };
  // One timer: several would not keep the order.
  const wait = (): void => {
    const [next] = waiting;
    if (!next || isTimed) return;
    isTimed = true;
    setTimeout(deliver, next.arrivesAtMs - performance.now());
  };
  from.on('data', (data: Buffer) => {
    for (let start = 0; start < data.length; start += PIECE_BYTES) {
      const bytes = data.subarray(start, start + PIECE_BYTES);
      freeAtMs = Math.max(freeAtMs, performance.now()) + bytes.length / bytesPerMs;
      waiting.push({ bytes, arrivesAtMs: freeAtMs + oneWayMs });
      waitingBytes += bytes.length;
    }
    if (waitingBytes >= mostBytes) from.pause();
    wait();
  });
}
