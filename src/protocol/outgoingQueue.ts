/**
 * What waits to be sent on one connection. A peer that takes its frames slowly, or not at all until its heartbeat is
 * missed, must not make this process hold a state and more for every step that passes meanwhile.
 */

import type { WebSocket } from 'ws';
import type { AnyMessage } from './channel.js';

type MessageType = AnyMessage['type'];

/** Beyond this the socket is given nothing more until it has passed on what it has; the kernel's own buffers keep the link busy. */
const SOCKET_BYTES = 256 * 1024;
/** New weights end all earlier rounds, and so does the end: what waits for those need not be sent any more. */
const ENDS_ROUNDS: ReadonlySet<MessageType> = new Set(['parameters', 'bye', 'refused']);
const BELONGS_TO_ROUND: ReadonlySet<MessageType> = new Set([
  'parameters',
  'work',
  'evaluate',
  'cancel',
  'apart',
]);

export interface OutgoingFrame {
  readonly type: MessageType;
  readonly frame: Uint8Array;
  /** Called if the frame has become pointless before it was sent. */
  readonly whenDropped: (() => void) | undefined;
}

/** Holds, besides `SOCKET_BYTES` and one frame in the socket, at most one state with the items that belong to it. */
export class OutgoingQueue {
  private waiting: OutgoingFrame[] = [];
  private afterwards: (() => void) | undefined;

  constructor(private readonly socket: WebSocket) {}

  get waitingCount(): number {
    return this.waiting.length;
  }

  /** Sends the frame, in order, as soon as the socket has room. Not copied: it must not change any more. */
  push(outgoing: OutgoingFrame): void {
    if (this.afterwards || this.socket.readyState !== this.socket.OPEN) return;
    if (ENDS_ROUNDS.has(outgoing.type)) this.dropWhatBelongsToRounds();
    this.waiting.push(outgoing);
    this.pump();
  }

  /** Calls back when everything is with the socket; takes nothing more. */
  finish(afterwards: () => void): void {
    if (this.afterwards) return;
    this.afterwards = afterwards;
    this.pump();
  }

  /** The connection is gone. */
  clear(): void {
    this.waiting = [];
  }

  private dropWhatBelongsToRounds(): void {
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
