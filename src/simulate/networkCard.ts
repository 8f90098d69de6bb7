/**
 * The network of a machine: one rate out and one in. Out, the connections take turns, a piece of a message each; some get
 * larger turns than others, for TCP does not share evenly. In, pieces come one after another, as through a switch with room
 * for all. Loss, slow start and the headers of packets are left out.
 */

import type { VirtualClock } from './virtualClock.js';

export interface CardOptions {
  readonly clock: VirtualClock;
  /** Each way; infinite: no limit. */
  readonly bytesPerMs: number;
  /** Connections take turns after this many bytes. */
  readonly pieceBytes: number;
  /** How much larger the turns of the next message are. */
  readonly drawShare: () => number;
}

/** A message on its way. */
export interface Transfer {
  readonly byteCount: number;
  readonly latencyMs: number;
  readonly to: NetworkCard;
  /** Called when a piece of it has left the machine. */
  readonly onSent: (byteCount: number) => void;
  readonly onArrived: () => void;
}

export class NetworkCard {
  bytesIn = 0;
  bytesOut = 0;
  /** Time in which it has sent, or received. */
  busyInMs = 0;
  busyOutMs = 0;
  private readonly turns = new Turns();
  private isSending = false;
  private inFreeAtMs = 0;

  constructor(private readonly options: CardOptions) {}

  /** A new connection: its messages keep their order. */
  connection(): (transfer: Transfer) => void {
    const queue: Transfer[] = [];
    return (transfer) => {
      queue.push(transfer);
      if (queue.length === 1) this.turns.add({ queue, sentBytes: 0, pieceBytes: this.drawPiece() });
      if (!this.isSending) this.sendPiece();
    };
  }

  private sendPiece(): void {
    const turn = this.turns.take();
    this.isSending = turn !== undefined;
    if (!turn) return;
    const { clock, bytesPerMs } = this.options;
    const transfer = turn.queue[0]!;
    const byteCount = Math.min(turn.pieceBytes, transfer.byteCount - turn.sentBytes);
    const tookMs = byteCount / bytesPerMs;
    const beganAtMs = clock.nowMs();
    this.busyOutMs += tookMs;
    clock.at(beganAtMs + tookMs, () => {
      this.bytesOut += byteCount;
      turn.sentBytes += byteCount;
      const arrivesAtMs = transfer.to.receivePiece(byteCount, beganAtMs);
      transfer.onSent(byteCount);
      if (turn.sentBytes >= transfer.byteCount) {
        turn.queue.shift();
        turn.sentBytes = 0;
        turn.pieceBytes = this.drawPiece();
        clock.at(arrivesAtMs + transfer.latencyMs, transfer.onArrived);
      }
      if (turn.queue.length > 0) this.turns.add(turn);
      this.sendPiece();
    });
  }

  private drawPiece(): number {
    const { pieceBytes, drawShare } = this.options;
    return Math.ceil(pieceBytes * drawShare());
  }

  /** Receives a piece whose sending began at that moment and ends now. @returns when it has arrived, without the latency */
  private receivePiece(byteCount: number, beganAtMs: number): number {
    const { clock, bytesPerMs } = this.options;
    const tookMs = byteCount / bytesPerMs;
    this.bytesIn += byteCount;
    this.busyInMs += tookMs;
    this.inFreeAtMs = Math.max(clock.nowMs(), Math.max(beganAtMs, this.inFreeAtMs) + tookMs);
    return this.inFreeAtMs;
  }
}

interface Turn {
  readonly queue: Transfer[];
  /** Of the first message. */
  sentBytes: number;
  pieceBytes: number;
}

/** First in, first out, without moving what waits: there may be ten thousand connections. */
class Turns {
  private waiting: (Turn | undefined)[] = [];
  private first = 0;

  add(turn: Turn): void {
    this.waiting.push(turn);
  }

  take(): Turn | undefined {
    const turn = this.waiting[this.first];
    if (turn === undefined) return undefined;
    this.waiting[this.first++] = undefined;
    if (this.first > 1024 && this.first > this.waiting.length / 2) {
      this.waiting = this.waiting.slice(this.first);
      this.first = 0;
    }
    return turn;
  }
}
