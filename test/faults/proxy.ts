/**
 * A bad network: a TCP proxy between nodes and coordinator that understands where a frame ends. It can look at each
 * frame before it goes on, and drop it, hold it, or cut the connection there or within it; and it can slow all down.
 */

import { connect, createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { Link } from './support/link.js';
import type { Fate, Pace } from './support/link.js';
import type { Piece } from './support/frames.js';
import { within } from './support/within.js';

export const PASS: Fate = { kind: 'pass' };

type Judge = (piece: Piece, link: Link) => Fate | Promise<Fate> | undefined;

export class Proxy {
  readonly links = new Set<Link>();
  pace: Pace = {};
  /** How many frames the pace has held up. */
  slowedFrames = 0;
  /** Where the coordinator listens now; it may come back elsewhere. */
  targetPort: number | undefined;
  private readonly judges = new Set<Judge>();

  private constructor(private readonly server: Server) {
    server.on('connection', (socket) => this.accept(socket));
  }

  static async open(targetPort?: number): Promise<Proxy> {
    const server = createServer({ allowHalfOpen: false });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(0, '127.0.0.1', resolve);
    });
    const proxy = new Proxy(server);
    proxy.targetPort = targetPort;
    return proxy;
  }

  /** For `lockstep worker`. */
  get url(): string {
    return `ws://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** Has `judge` decide over every frame from now on that it does not answer with undefined; returns what ends that. */
  watch(judge: Judge): () => void {
    this.judges.add(judge);
    return () => this.judges.delete(judge);
  }

  /** Holds frames that match, and whatever comes behind them on the same way, until `over` settles. */
  holdUntil(over: Promise<unknown>, matches: (piece: Piece) => boolean): void {
    const passAfterwards = over.then(
      () => PASS,
      () => PASS,
    );
    this.watch((piece) => (matches(piece) ? passAfterwards : undefined));
  }

  /**
   * Waits for the first frame that matches, has `act` decide over it before it goes on, and resolves when it has.
   * @throws Error if no such frame comes
   */
  once(
    what: string,
    matches: (piece: Piece, link: Link) => boolean,
    act: (piece: Piece, link: Link) => Fate | Promise<Fate> = () => PASS,
  ): Promise<Piece> {
    const caught = new Promise<Piece>((resolve, reject) => {
      const stop = this.watch((piece, link) => {
        if (!matches(piece, link)) return undefined;
        stop();
        return Promise.resolve(act(piece, link)).then(
          (fate) => {
            resolve(piece);
            return fate;
          },
          (error: unknown) => {
            reject(error instanceof Error ? error : new Error(String(error)));
            return PASS;
          },
        );
      });
    });
    return within(what, caught);
  }

  /** Ends every connection, as a cable that is pulled out does not, but a router that starts anew does. */
  cut(): void {
    for (const link of [...this.links]) link.cut();
  }

  /** From now on nothing passes on the connections that are there, and neither side is told. */
  swallow(): void {
    for (const link of this.links) link.swallow();
  }

  async close(): Promise<void> {
    this.cut();
    await new Promise<void>((resolve) => this.server.close(() => resolve()));
  }

  private accept(nodeSide: Socket): void {
    const { targetPort } = this;
    if (targetPort === undefined) return void nodeSide.destroy();
    const link = new Link(nodeSide, connect(targetPort, '127.0.0.1'), {
      pace: () => this.pace,
      fateOf: (piece, on) => this.fateOf(piece, on),
      onSlowed: () => this.slowedFrames++,
      onEnd: (ended) => this.links.delete(ended),
    });
    this.links.add(link);
  }

  private async fateOf(piece: Piece, link: Link): Promise<Fate> {
    for (const judge of [...this.judges]) {
      const fate = await judge(piece, link);
      if (fate) return fate;
    }
    return PASS;
  }
}
