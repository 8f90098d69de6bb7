/** One connection through the proxy: two flows, one a direction, that pass frame by frame and in order. */

import type { Socket } from 'node:net';
import { FrameSplitter } from './frames.js';
import type { Piece, Side } from './frames.js';
import { pause } from './within.js';

/** How the link treats a frame. */
export type Fate =
  | { readonly kind: 'pass' }
  /** It never arrives. */
  | { readonly kind: 'drop' }
  /** The connection ends before it, after half of it, or after it. */
  | { readonly kind: 'cut'; readonly where: 'before' | 'within' | 'after' }
  /**
   * The node's side ends; the frame reaches the coordinator when `release` is called, and then its side ends, too. That
   * rejects if the coordinator has ended its side before.
   */
  | { readonly kind: 'strand'; readonly onStranded: (release: () => Promise<void>) => void };

/** How slowly bytes pass, in both directions. */
export interface Pace {
  /** Drawn once a frame. */
  readonly delayMs?: (() => number) | undefined;
  readonly bytesPerSecond?: number | undefined;
}

export interface LinkOptions {
  readonly pace: () => Pace;
  readonly fateOf: (piece: Piece, link: Link) => Promise<Fate>;
  readonly onSlowed: () => void;
  readonly onEnd: (link: Link) => void;
}

const SLICE_BYTES = 16 * 1024;

export class Link {
  private swallowing = false;
  private isOver = false;
  private strandedNode = false;
  private readonly flows: readonly Flow[];

  constructor(
    private readonly nodeSide: Socket,
    private readonly coordinatorSide: Socket,
    private readonly options: LinkOptions,
  ) {
    const toCoordinator = new Flow('node', coordinatorSide, options, this);
    const toNode = new Flow('coordinator', nodeSide, options, this);
    this.flows = [toCoordinator, toNode];
    this.join(nodeSide, toCoordinator);
    this.join(coordinatorSide, toNode);
  }

  get swallows(): boolean {
    return this.swallowing;
  }

  get ended(): boolean {
    return this.isOver;
  }

  swallow(): void {
    this.swallowing = true;
  }

  cut(): void {
    this.nodeSide.destroy();
    this.coordinatorSide.destroy();
    this.end();
  }

  /** The node loses the connection; the coordinator keeps its end, and does not know. */
  strand(): void {
    this.strandedNode = true;
    this.nodeSide.destroy();
  }

  /** What is under way is delivered before the other side hears of the end; in a hole, it never does. */
  private join(source: Socket, flow: Flow): void {
    source.setNoDelay(true);
    source.on('data', (chunk: Buffer) => flow.take(chunk));
    source.on('error', () => undefined); // a close event follows
    source.on('close', () => {
      if (this.swallowing) return this.endIfBothAreGone();
      if (source === this.nodeSide && this.strandedNode) return;
      void flow.drained().then(() => this.cut());
    });
  }

  private endIfBothAreGone(): void {
    if (this.nodeSide.destroyed && this.coordinatorSide.destroyed) this.end();
  }

  private end(): void {
    if (this.isOver) return;
    this.isOver = true;
    for (const flow of this.flows) flow.stop();
    this.options.onEnd(this);
  }
}

class Flow {
  private readonly splitter: FrameSplitter;
  private tail: Promise<void> = Promise.resolve();
  private stopped = false;

  constructor(
    from: Side,
    private readonly sink: Socket,
    private readonly options: LinkOptions,
    private readonly link: Link,
  ) {
    this.splitter = new FrameSplitter(from);
  }

  take(chunk: Buffer): void {
    if (this.link.swallows || this.stopped) return;
    const arrivedMs = performance.now();
    for (const piece of this.splitter.push(chunk)) {
      this.tail = this.tail.then(() => this.passOn(piece, arrivedMs));
    }
  }

  drained(): Promise<void> {
    return this.tail;
  }

  stop(): void {
    this.stopped = true;
  }

  private async passOn(piece: Piece, arrivedMs: number): Promise<void> {
    if (this.stopped || this.link.swallows) return;
    const fate = await this.options.fateOf(piece, this.link);
    switch (fate.kind) {
      case 'pass':
        return this.write(piece.bytes, arrivedMs);
      case 'drop':
        return;
      case 'cut':
        if (fate.where === 'within')
          await this.write(piece.bytes.subarray(0, piece.bytes.length / 2), arrivedMs);
        if (fate.where === 'after') await this.write(piece.bytes, arrivedMs);
        return this.link.cut();
      case 'strand':
        return this.strand(piece, arrivedMs, fate.onStranded);
    }
  }

  private async strand(
    piece: Piece,
    arrivedMs: number,
    onStranded: (release: () => Promise<void>) => void,
  ): Promise<void> {
    let settle: (problem?: Error) => void = () => undefined;
    const delivery = new Promise<void>((resolve, reject) => {
      settle = (problem) => (problem ? reject(problem) : resolve());
    });
    const released = new Promise<void>((resolve) => {
      onStranded(() => {
        resolve();
        return delivery;
      });
    });
    this.link.strand();
    await released;
    const canArrive = this.isOpen;
    await this.write(piece.bytes, arrivedMs);
    this.link.cut();
    settle(
      canArrive ? undefined : new Error('the connection had ended before the stranded frame could arrive'),
    );
  }

  private get isOpen(): boolean {
    return !this.stopped && !this.link.swallows && !this.sink.destroyed;
  }

  private async write(bytes: Buffer, arrivedMs: number): Promise<void> {
    const { delayMs, bytesPerSecond } = this.options.pace();
    if (delayMs) {
      const leftMs = arrivedMs + delayMs() - performance.now();
      if (leftMs > 0) {
        this.options.onSlowed();
        await pause(leftMs);
      }
    }
    if (bytesPerSecond === undefined) return this.send(bytes);
    this.options.onSlowed();
    for (let at = 0; at < bytes.length; at += SLICE_BYTES) {
      const slice = bytes.subarray(at, at + SLICE_BYTES);
      await this.send(slice);
      await pause((1000 * slice.length) / bytesPerSecond);
    }
  }

  private send(bytes: Buffer): Promise<void> {
    if (!this.isOpen) return Promise.resolve();
    return new Promise((resolve) => this.sink.write(bytes, () => resolve()));
  }
}
