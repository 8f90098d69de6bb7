/**
 * What one attached node may cost. A channel that lets no more through than a node's work explains: every message to a
 * node allows one from it, pings are rationed, and a node that no longer reads is let go even while it goes on talking.
 * Whoever goes beyond is cut off with E_LIMIT; its items go to others, as when any node leaves.
 *
 * How much may wait for a node that reads slowly is the channel's affair (protocol/outgoingQueue.ts).
 */

import type { Socket } from 'node:net';
import type { WebSocket } from 'ws';
import { printable } from '../../foundation/printable.js';
import { Broadcast, terminateAfter } from '../../protocol/index.js';
import type {
  ChannelHandlers,
  CoordinatorChannel,
  CoordinatorMessage,
  NodeMessage,
} from '../../protocol/index.js';

export interface PeerLimits {
  /** How long a node may take nothing of what waits for it, when the next weights are due. */
  readonly unreadTimeoutMs: number;
}

/** Messages that nothing asked for: the hello, a drain, an answer sent twice. */
const UNASKED_MESSAGES = 64;
/** Pings and pongs: honest nodes send one every few seconds, and several at once after a stall. */
const CONTROL_FRAMES_AT_ONCE = 50; // ws itself ends a connection that leaves 60 pongs unread
const CONTROL_FRAMES_PER_SECOND = 100;
/** For what is still to be sent when a channel is closed, and for the closing handshake. */
const CLOSING_MS = 30_000;
/** For a node that does not answer the closing handshake, because it does not read or goes on sending. */
const FAREWELL_MS = 1_000;
const POLICY_VIOLATION = 1008; // RFC 6455 section 7.4.1
const REASON_LENGTH = 500;

export function guardedChannel(
  socket: WebSocket,
  transport: Socket,
  channel: CoordinatorChannel,
  limits: PeerLimits,
): CoordinatorChannel {
  return new GuardedChannel(socket, transport, channel, limits);
}

class GuardedChannel implements CoordinatorChannel {
  private messagesAllowed = UNASKED_MESSAGES;
  private controlFramesAllowed = CONTROL_FRAMES_AT_ONCE;
  private lastControlMs = performance.now();
  private isCut = false;
  private bytesTaken = 0;
  private lastTakenMs = performance.now();
  private onClose: ChannelHandlers<NodeMessage>['onClose'] | undefined;

  constructor(
    private readonly socket: WebSocket,
    private readonly transport: Socket,
    private readonly channel: CoordinatorChannel,
    private readonly limits: PeerLimits,
  ) {
    // Before the channel listens: what is too much must be seen before it is decoded.
    socket.on('message', () => this.countMessage());
    socket.on('ping', () => this.countControlFrame());
    socket.on('pong', () => this.countControlFrame());
  }

  get peerName(): string {
    return this.channel.peerName;
  }

  send(
    message: CoordinatorMessage | Broadcast<CoordinatorMessage>,
    whenTaken?: () => void,
    whenDropped?: () => void,
  ): void {
    const { type } = message instanceof Broadcast ? message.message : message;
    if (type === 'parameters') this.watchReading();
    if (this.isCut) return whenTaken?.();
    this.messagesAllowed++;
    this.channel.send(message, whenTaken, whenDropped);
  }

  open(handlers: ChannelHandlers<NodeMessage>): void {
    this.onClose = (reason, fault) => handlers.onClose(printable(reason, REASON_LENGTH), fault);
    this.channel.open({
      onMessage: (message) => {
        if (!this.isCut) handlers.onMessage(message);
      },
      onClose: (reason, fault) => this.tellClosed(reason, fault),
    });
  }

  close(reason: string): void {
    this.channel.close(reason);
    terminateAfter(this.socket, CLOSING_MS);
  }

  /** The heartbeat would not notice a node that sends pings and reads nothing. */
  private watchReading(): void {
    const { bytesWritten, writableLength } = this.transport;
    const taken = bytesWritten - writableLength; // by the system, which takes no more than the node makes room for
    const nowMs = performance.now();
    if (taken > this.bytesTaken || this.socket.bufferedAmount === 0) this.lastTakenMs = nowMs;
    this.bytesTaken = taken;
    const unreadMs = nowMs - this.lastTakenMs;
    if (unreadMs > this.limits.unreadTimeoutMs) this.cut(`nothing read for ${Math.round(unreadMs / 1000)} s`);
  }

  private countMessage(): void {
    if (--this.messagesAllowed < 0) this.cut('more messages than its work explains', 'bad-frame');
  }

  private countControlFrame(): void {
    const nowMs = performance.now();
    const earned = ((nowMs - this.lastControlMs) / 1000) * CONTROL_FRAMES_PER_SECOND;
    this.lastControlMs = nowMs;
    this.controlFramesAllowed = Math.min(CONTROL_FRAMES_AT_ONCE, this.controlFramesAllowed + earned) - 1;
    if (this.controlFramesAllowed < 0) this.cut('a flood of pings', 'bad-frame');
  }

  private cut(what: string, fault?: 'bad-frame'): void {
    if (this.isCut) return;
    this.isCut = true;
    const reason = `E_LIMIT: ${what}`;
    this.socket.pause(); // nothing more of it is read
    this.socket.close(POLICY_VIOLATION, reason);
    terminateAfter(this.socket, FAREWELL_MS);
    // Not within `send`: who sends is in the middle of handing out items.
    queueMicrotask(() => this.tellClosed(reason, fault));
  }

  private tellClosed(reason: string, fault?: 'bad-frame'): void {
    const { onClose } = this;
    this.onClose = undefined;
    onClose?.(reason, fault);
  }
}
