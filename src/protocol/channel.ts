/**
 * What messages travel on. To coordinator and node alike a thread of this process and a machine across the network
 * are the same: a channel. Messages arrive in the order in which they were sent, or the channel closes.
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
  /** Called exactly once, however the channel ends. No message follows. `fault`: the other side broke the protocol. */
  onClose(reason: string, fault?: 'bad-frame'): void;
}

export interface Channel<Outgoing extends AnyMessage, Incoming extends AnyMessage> {
  /** Where the other side is, for people and logs. */
  readonly peerName: string;
  /**
   * @param whenTaken called once the message's byte strings are no longer needed here or there: they have been encoded, or
   * the handler that got them by reference has returned. A handler copies what it wants to keep.
   * @param whenDropped called if the message has become pointless before it could be sent, since newer weights or the end
   * followed it to a peer that takes its frames slowly: the peer will never see it, and never answer
   */
  send(message: Outgoing | Broadcast<Outgoing>, whenTaken?: () => void, whenDropped?: () => void): void;
  /** Starts delivery; what arrived before is delivered first. */
  open(handlers: ChannelHandlers<Incoming>): void;
  /** Ends the channel after what was sent has gone out. */
  close(reason: string): void;
}

export type CoordinatorChannel = Channel<CoordinatorMessage, NodeMessage>;

export interface NodeChannel extends Channel<NodeMessage, CoordinatorMessage> {
  /** Messages that wait here because the other side takes them slowly. */
  readonly unsentCount: number;
  /** The other side broke the protocol: ends the channel at once, whatever waits. */
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
  /** Everything is handed over by reference. */
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

  /** Never within `send`: a handler that answers must not run inside its caller. */
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
