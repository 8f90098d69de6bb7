/** What a queue of outgoing frames sees of a socket: how much of what it was given the kernel has not taken. */

import type { AnyMessage, FrameSocket } from '../protocol/index.js';
import type { NetworkCard, Transfer } from './networkCard.js';

/** What a kernel takes beyond what it has sent: Linux grows a connection's buffer up to this (net.ipv4.tcp_wmem). */
const KERNEL_BYTES = 4 * 1024 * 1024;
const OPEN = 1;
const CLOSED = 3;

export interface Frame {
  readonly message: AnyMessage;
  readonly byteLength: number;
}

export interface SocketPeer {
  readonly latencyMs: number;
  readonly to: NetworkCard;
  readonly onArrived: (frame: Frame) => void;
}

export class SimulatedSocket implements FrameSocket<Frame> {
  readonly OPEN = OPEN;
  readyState = OPEN;
  private pendingBytes = 0;
  /** In order, with how much must still be sent until the kernel has taken the frame. */
  private readonly untaken: { restBytes: number; readonly whenTaken: () => void }[] = [];
  private peer: SocketPeer | undefined;

  constructor(private readonly transmit: (transfer: Transfer) => void) {}

  attach(peer: SocketPeer): void {
    this.peer = peer;
  }

  get bufferedAmount(): number {
    return Math.max(0, this.pendingBytes - KERNEL_BYTES);
  }

  /** `whenTaken` is called only if the kernel does not take the frame at once. */
  send(frame: Frame, whenTaken: () => void): void {
    const { latencyMs, to, onArrived } = this.peer!;
    const byteCount = frame.byteLength;
    this.pendingBytes += byteCount;
    if (this.bufferedAmount > 0) this.untaken.push({ restBytes: this.bufferedAmount, whenTaken });
    this.transmit({
      ...{ byteCount, latencyMs, to },
      onSent: (sentBytes) => this.sent(sentBytes),
      onArrived: () => onArrived(frame),
    });
  }

  close(): void {
    this.readyState = CLOSED;
    this.untaken.length = 0;
  }

  private sent(byteCount: number): void {
    this.pendingBytes -= byteCount;
    for (const each of this.untaken) each.restBytes -= byteCount;
    while (this.untaken[0] && this.untaken[0].restBytes <= 0) this.untaken.shift()!.whenTaken();
  }
}
