/**
 * Channels carry messages between the coordinator and a node. A node of this process and a remote machine have the same
 * interface. Messages arrive in the order in which they were sent, or the channel closes.
 */

import { encodeMessage } from './codec.js';
import type { CoordinatorMessage, NodeMessage } from './messages.js';

export type AnyMessage = CoordinatorMessage | NodeMessage;

/** A message sent to many: encoded at most once, and only if a channel needs bytes. */
export class Broadcast<Outgoing extends AnyMessage> {
  private frame: Uint8Array | undefined;

  constructor(readonly message: Outgoing) {}

  encoded(): Uint8Array {
    return (this.frame ??= encodeMessage(this.message));
  }
}

export interface ChannelHandlers<Incoming> {
  onMessage(message: Incoming): void;
  /** Called exactly once, however the channel ends. No message follows. @param fault set if the peer broke the protocol */
  onClose(reason: string, fault?: 'bad-frame'): void;
}

export interface Traffic {
  readonly bytesReceived: number;
  readonly bytesSent: number;
  /** From the latest ping to its answer; undefined before the first. */
  readonly roundTripMs: number | undefined;
  /** When the peer was last heard of, as performance.now() counts. */
  readonly heardAtMs: number;
}

export interface Channel<Outgoing extends AnyMessage, Incoming extends AnyMessage> {
  /** Describes the peer, for people and logs. */
  readonly peerName: string;
  /** What has passed over the network so far; left out where there is none in between. */
  traffic?(): Traffic | undefined;
  /**
   * @param whenTaken called when the message's byte strings are no longer needed: they have been encoded, or the handler
   *   that got them by reference has returned. A handler copies what it wants to keep.
   * @param whenDropped called if the message is dropped before it is sent: newer weights or the end followed it, and the
   *   peer reads slowly. The peer never sees it and never answers.
   */
  send(message: Outgoing | Broadcast<Outgoing>, whenTaken?: () => void, whenDropped?: () => void): void;
  /** Starts delivery. Messages that arrived before are delivered first. */
  open(handlers: ChannelHandlers<Incoming>): void;
  /** Closes the channel after all messages have been sent. */
  close(reason: string): void;
}

export type CoordinatorChannel = Channel<CoordinatorMessage, NodeMessage>;

export interface NodeChannel extends Channel<NodeMessage, CoordinatorMessage> {
  /** Messages that wait because the peer reads slowly. */
  readonly unsentCount: number;
  /** The peer broke the protocol: closes the channel at once, and drops what waits. */
  breach(reason: string): void;
}

/** Two ends of a channel within this process; messages are handed over by reference. */
export function createLocalChannel(peerName: string): {
  coordinatorEnd: CoordinatorChannel;
  nodeEnd: NodeChannel;
} {
  const coordinatorEnd = new LocalEnd<CoordinatorMessage, NodeMessage>(peerName);
  const nodeEnd = new LocalEnd<NodeMessage, CoordinatorMessage>('this process');
  coordinatorEnd.other = nodeEnd;
  nodeEnd.other = coordinatorEnd;
  return { coordinatorEnd, nodeEnd };
}

interface Delivery<Message> {
  readonly message: Message;
  readonly whenTaken: (() => void) | undefined;
}

class LocalEnd<Outgoing extends AnyMessage, Incoming extends AnyMessage> implements Channel<
  Outgoing,
  Incoming
> {
  other: LocalEnd<Incoming, Outgoing> | undefined;
  /** Nothing waits: messages are handed over by reference. */
  readonly unsentCount = 0;
  private handlers: ChannelHandlers<Incoming> | undefined;
  private readonly undelivered: Delivery<Incoming>[] = [];
  private closedReason: string | undefined;
  private deliveryScheduled = false;

  constructor(readonly peerName: string) {}

  send(message: Outgoing | Broadcast<Outgoing>, whenTaken?: () => void): void {
    if (this.closedReason !== undefined) return whenTaken?.();
    this.other?.receive({ message: message instanceof Broadcast ? message.message : message, whenTaken });
  }

  open(handlers: ChannelHandlers<Incoming>): void {
    this.handlers = handlers;
    this.scheduleDelivery();
  }

  breach(reason: string): void {
    this.close(reason);
  }

  close(reason: string): void {
    if (this.closedReason !== undefined) return;
    this.closedReason = reason;
    this.scheduleDelivery();
    this.other?.close(reason);
  }

  private receive(delivery: Delivery<Incoming>): void {
    this.undelivered.push(delivery);
    this.scheduleDelivery();
  }

  /** Never delivers within `send`: a handler must not run inside the sender's call. */
  private scheduleDelivery(): void {
    if (this.deliveryScheduled || !this.handlers) return;
    this.deliveryScheduled = true;
    queueMicrotask(() => this.deliver());
  }

  private deliver(): void {
    this.deliveryScheduled = false;
    const { handlers } = this;
    if (!handlers) return;
    for (let next = this.undelivered.shift(); next; next = this.undelivered.shift()) {
      handlers.onMessage(next.message);
      next.whenTaken?.();
    }
    if (this.closedReason !== undefined) {
      this.handlers = undefined;
      handlers.onClose(this.closedReason);
    }
  }
}
