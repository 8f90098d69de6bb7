/**
 * Limits what one attached node can cost the coordinator. Every message to a node allows one message from it, pings are
 * limited in rate, and a node must read what it is sent. A node that exceeds a limit is disconnected with E_LIMIT; its
 * items go to other nodes, as when any node leaves.
 *
 * The channel itself limits how much may wait for a node that reads slowly (protocol/outgoingQueue.ts).
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
  Traffic,
} from '../../protocol/index.js';

export interface PeerLimits {
  /** How long a node may read nothing while messages wait for it. Checked when new weights are sent. */
  readonly unreadTimeoutMs: number;
}

/**
 * Messages that answer nothing: the hello, a drain, a second answer. And news of a relay's workers: once a second, and once
 * more if their numerics class changes.
 */
const UNASKED_MESSAGES_AT_ONCE = 64;
const UNASKED_MESSAGES_PER_SECOND = 2;
/** Pings and pongs: honest nodes send one every second, and several at once after a stall. */
const CONTROL_FRAMES_AT_ONCE = 50; // ws itself closes a connection that leaves 60 pongs unread
const CONTROL_FRAMES_PER_SECOND = 100;
/** Time to send what still waits when a channel is closed, and for the closing handshake. */
const CLOSING_MS = 30_000;
/** Time for the closing handshake of a node that exceeded a limit: it may never answer. */
const CUT_CLOSING_MS = 1_000;
const POLICY_VIOLATION = 1008; // RFC 6455 section 7.4.1
const REASON_LENGTH = 500;

/** @param connect makes the channel to guard; it must ask `mayDecode` before it decodes a message */
export function guardedChannel(
  socket: WebSocket,
  transport: Socket,
  connect: (mayDecode: () => boolean) => CoordinatorChannel,
  limits: PeerLimits,
): CoordinatorChannel {
  return new GuardedChannel(socket, transport, connect, limits);
}

class GuardedChannel implements CoordinatorChannel {
  private messagesAllowed = UNASKED_MESSAGES_AT_ONCE;
  private lastMessageMs = performance.now();
  private controlFramesAllowed = CONTROL_FRAMES_AT_ONCE;
  private lastControlMs = performance.now();
  private isCut = false;
  private bytesTaken = 0;
  private lastTakenMs = performance.now();
  private onClose: ChannelHandlers<NodeMessage>['onClose'] | undefined;
  private readonly channel: CoordinatorChannel;

  constructor(
    private readonly socket: WebSocket,
    private readonly transport: Socket,
    connect: (mayDecode: () => boolean) => CoordinatorChannel,
    private readonly limits: PeerLimits,
  ) {
    this.channel = connect(() => this.countMessage());
    socket.on('ping', () => this.countControlFrame());
    socket.on('pong', () => this.countControlFrame());
  }

  get peerName(): string {
    return this.channel.peerName;
  }

  traffic(): Traffic | undefined {
    return this.channel.traffic?.();
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
      onMessage: (message) => handlers.onMessage(message),
      onClose: (reason, fault) => this.tellClosed(reason, fault),
    });
  }

  close(reason: string): void {
    this.channel.close(reason);
    terminateAfter(this.socket, CLOSING_MS);
  }

  /** The heartbeat does not notice a node that sends pings and reads nothing. */
  private watchReading(): void {
    const { bytesWritten, writableLength } = this.transport;
    const taken = bytesWritten - writableLength; // by the system, which stops when the node does not read
    const nowMs = performance.now();
    if (taken > this.bytesTaken || this.socket.bufferedAmount === 0) this.lastTakenMs = nowMs;
    this.bytesTaken = taken;
    const unreadMs = nowMs - this.lastTakenMs;
    if (unreadMs > this.limits.unreadTimeoutMs) this.cut(`nothing read for ${Math.round(unreadMs / 1000)} s`);
  }

  /** @returns whether the message is within the limit */
  private countMessage(): boolean {
    this.earnMessages();
    if (--this.messagesAllowed < 0) this.cut('more messages than its work explains', 'bad-frame');
    return !this.isCut;
  }

  /** What time gives is limited; what the node was sent is not: it may answer all of that. */
  private earnMessages(): void {
    const nowMs = performance.now();
    const earned = ((nowMs - this.lastMessageMs) / 1000) * UNASKED_MESSAGES_PER_SECOND;
    this.lastMessageMs = nowMs;
    const most = Math.max(this.messagesAllowed, UNASKED_MESSAGES_AT_ONCE);
    this.messagesAllowed = Math.min(most, this.messagesAllowed + earned);
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
    this.socket.pause(); // read nothing more from it
    this.socket.close(POLICY_VIOLATION, reason);
    terminateAfter(this.socket, CUT_CLOSING_MS);
    // Not within `send`: its caller is in the middle of handing out items.
    queueMicrotask(() => this.tellClosed(reason, fault));
  }

  private tellClosed(reason: string, fault?: 'bad-frame'): void {
    const { onClose } = this;
    this.onClose = undefined;
    onClose?.(reason, fault);
  }
}
