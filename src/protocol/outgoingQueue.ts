/**
 * The frames that wait to be sent on one connection. Bounds them: a peer that reads slowly, or not at all, must not make
 * this process hold a copy of the weights for every step that passes.
 */

import type { AnyMessage } from './channel.js';

type MessageType = AnyMessage['type'];

/** While the socket holds more than this, it gets no further frame. The kernel's buffers keep the link busy. */
const SOCKET_BYTES = 256 * 1024;
/** These messages end all earlier rounds: frames of those rounds need not be sent any more. */
const ENDS_ROUNDS: ReadonlySet<MessageType> = new Set(['parameters', 'bye', 'refused']);
const BELONGS_TO_ROUND: ReadonlySet<MessageType> = new Set([
  'parameters',
  'work',
  'evaluate',
  'cancel',
  'apart',
]);

/** What the queue needs of a WebSocket. */
export interface FrameSocket<Frame> {
  readonly readyState: number;
  readonly OPEN: number;
  readonly bufferedAmount: number;
  send(frame: Frame, whenTaken: () => void): void;
}

export interface OutgoingFrame<Frame> {
  readonly type: MessageType;
  readonly frame: Frame;
  /** Called if the frame is dropped because its round is over. */
  readonly whenDropped: (() => void) | undefined;
}

/** Holds at most one copy of the weights and the items that belong to it, besides what the socket holds. */
export class OutgoingQueue<Frame = Uint8Array> {
  private waiting: OutgoingFrame<Frame>[] = [];
  private afterwards: (() => void) | undefined;

  constructor(private readonly socket: FrameSocket<Frame>) {}

  get waitingCount(): number {
    return this.waiting.length;
  }

  /** Sends the frame, in order, as soon as the socket has room. It is not copied, so it must not change. */
  push(outgoing: OutgoingFrame<Frame>): void {
    if (this.afterwards || this.socket.readyState !== this.socket.OPEN) return;
    if (ENDS_ROUNDS.has(outgoing.type)) this.dropFramesOfRounds();
    this.waiting.push(outgoing);
    this.pump();
  }

  /** Calls `afterwards` when the socket has taken all frames. Accepts no further ones. */
  finish(afterwards: () => void): void {
    if (this.afterwards) return;
    this.afterwards = afterwards;
    this.pump();
  }

  /** Drops all frames: the connection is closed. */
  clear(): void {
    this.waiting = [];
  }

  private dropFramesOfRounds(): void {
    const dropped = this.waiting.filter(({ type }) => BELONGS_TO_ROUND.has(type));
    this.waiting = this.waiting.filter(({ type }) => !BELONGS_TO_ROUND.has(type));
    for (const { whenDropped } of dropped) whenDropped?.();
  }

  private readonly pump = (): void => {
    while (this.socket.bufferedAmount < SOCKET_BYTES) {
      const entry = this.waiting.shift();
      if (!entry) return this.afterwards?.();
      this.socket.send(entry.frame, this.pump);
    }
  };
}
