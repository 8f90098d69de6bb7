/** A connection that a test can disturb: a TCP proxy that forwards, slows down or swallows data. */

import { connect, createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';

const TICK_MS = 5;

export interface Link {
  readonly port: number;
  /** From now on reads everything and forwards nothing, in both directions: both ends see an open connection. */
  swallow(): void;
  /** Stops reading: the senders' buffers fill up. */
  hold(): void;
  /** Forwards only this many bytes every few milliseconds, in each direction. */
  trickle(bytesPerTick: number): void;
  pass(): void;
  /** Whether there is something to forward in each direction. */
  isLoaded(): boolean;
  close(): void;
}

type Mode =
  { readonly kind: 'pass' | 'swallow' | 'hold' } | { readonly kind: 'trickle'; bytesPerTick: number };

export async function linkTo(targetPort: number): Promise<Link> {
  let mode: Mode = { kind: 'pass' };
  const pipes: Pipe[] = [];
  const server: Server = createServer((near) => {
    const far = connect(targetPort, '127.0.0.1');
    for (const socket of [near, far]) {
      socket.setNoDelay(true);
      socket.on('error', () => socket.destroy());
    }
    near.on('close', () => far.destroy());
    far.on('close', () => near.destroy());
    pipes.push(new Pipe(near, far, () => mode), new Pipe(far, near, () => mode));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const ticking = setInterval(() => pipes.forEach((pipe) => pipe.tick()), TICK_MS);
  const set = (next: Mode): void => {
    mode = next;
    for (const pipe of pipes) pipe.tick();
  };
  return {
    port: (server.address() as AddressInfo).port,
    swallow: () => set({ kind: 'swallow' }),
    hold: () => set({ kind: 'hold' }),
    trickle: (bytesPerTick) => set({ kind: 'trickle', bytesPerTick }),
    pass: () => set({ kind: 'pass' }),
    isLoaded: () => pipes.length > 0 && pipes.every((pipe) => pipe.isLoaded),
    close: () => {
      clearInterval(ticking);
      for (const pipe of pipes) pipe.end();
      server.close();
    },
  };
}

class Pipe {
  private waiting: Buffer[] = [];

  constructor(
    private readonly from: Socket,
    private readonly to: Socket,
    private readonly mode: () => Mode,
  ) {
    from.on('data', (chunk: Buffer) => {
      this.waiting.push(chunk);
      this.move();
    });
  }

  get isLoaded(): boolean {
    return this.waiting.length > 0;
  }

  end(): void {
    this.from.destroy();
    this.to.destroy();
  }

  /** Only the slow mode uses a timer. */
  tick(): void {
    const mode = this.mode();
    if (mode.kind !== 'trickle') return this.move();
    const all = Buffer.concat(this.waiting);
    if (all.length > 0) this.to.write(all.subarray(0, mode.bytesPerTick));
    this.waiting = all.length > mode.bytesPerTick ? [all.subarray(mode.bytesPerTick)] : [];
    this.takeMore();
  }

  private move(): void {
    const { kind } = this.mode();
    if (kind === 'pass') for (const chunk of this.waiting) this.to.write(chunk);
    if (kind === 'pass' || kind === 'swallow') this.waiting = [];
    this.takeMore();
  }

  /** As on a real slow link: what cannot be forwarded yet stays with the sender. */
  private takeMore(): void {
    const mustWait = this.mode().kind === 'hold' || this.waiting.length > 0;
    if (mustWait) this.from.pause();
    else this.from.resume();
  }
}
