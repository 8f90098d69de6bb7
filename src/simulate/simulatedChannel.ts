/** A connection of two simulated machines: a channel as over a WebSocket, with the same queue of frames that wait. */

import { Broadcast, OutgoingQueue } from '../protocol/index.js';
import type {
  AnyMessage,
  ChannelHandlers,
  CoordinatorChannel,
  CoordinatorMessage,
  NodeChannel,
  NodeMessage,
} from '../protocol/index.js';
import { receivingMs, sendingMs } from './machine.js';
import type { Machine } from './machine.js';
import { frameBytes } from './messageSizes.js';
import type { Sizes } from './messageSizes.js';
import { SimulatedSocket } from './simulatedSocket.js';
import type { Frame } from './simulatedSocket.js';
import type { VirtualClock } from './virtualClock.js';

export interface Wire {
  readonly clock: VirtualClock;
  readonly sizes: Sizes;
  readonly latencyMs: number;
}

/** One end. */
export interface Party {
  readonly machine: Machine;
  readonly peerName: string;
  /** Told of every message that arrives. */
  readonly onMessage?: (message: AnyMessage) => void;
}

export interface Connection {
  readonly above: CoordinatorChannel;
  readonly below: NodeChannel;
  /** The process below has died: the end above learns of it a latency later. */
  readonly cut: () => void;
}

export function connect(wire: Wire, above: Party, below: Party): Connection {
  const upper = new SimulatedEnd<CoordinatorMessage, NodeMessage>(wire, above, 'coordinator');
  const lower = new SimulatedEnd<NodeMessage, CoordinatorMessage>(wire, below, 'node');
  upper.attach(lower);
  lower.attach(upper);
  const cut = (): void => {
    lower.end('the process has ended');
    wire.clock.after(wire.latencyMs, () => upper.end('the connection was lost'));
  };
  return { above: upper, below: lower, cut };
}

const frames = new WeakMap<Broadcast<AnyMessage>, number>();

class SimulatedEnd<Outgoing extends AnyMessage, Incoming extends AnyMessage> {
  readonly peerName: string;
  readonly machine: Machine;
  private readonly socket: SimulatedSocket;
  private readonly outgoing: OutgoingQueue<Frame>;
  private handlers: ChannelHandlers<Incoming> | undefined;
  private readonly early: Incoming[] = [];
  private other: SimulatedEnd<Incoming, Outgoing> | undefined;
  private isOver = false;

  constructor(
    private readonly wire: Wire,
    private readonly party: Party,
    private readonly side: 'node' | 'coordinator',
  ) {
    this.peerName = party.peerName;
    this.machine = party.machine;
    this.socket = new SimulatedSocket(this.machine.card.connection());
    this.outgoing = new OutgoingQueue<Frame>(this.socket);
  }

  attach(other: SimulatedEnd<Incoming, Outgoing>): void {
    this.other = other;
    this.socket.attach({
      latencyMs: this.wire.latencyMs,
      to: other.machine.card,
      onArrived: (frame) => other.arrived(frame as Frame & { readonly message: Incoming & Outgoing }),
    });
  }

  get unsentCount(): number {
    return this.outgoing.waitingCount;
  }

  send(message: Outgoing | Broadcast<Outgoing>, whenTaken?: () => void, whenDropped?: () => void): void {
    const frame = this.frameOf(message);
    const sentAtMs = this.machine.processor.work(sendingMs(this.machine.costs, frame.byteLength));
    this.wire.clock.at(sentAtMs, () => this.outgoing.push({ type: frame.message.type, frame, whenDropped }));
    whenTaken?.();
  }

  open(handlers: ChannelHandlers<Incoming>): void {
    this.handlers = handlers;
    for (const message of this.early.splice(0)) handlers.onMessage(message);
  }

  close(reason: string): void {
    this.outgoing.finish(() => {
      this.wire.clock.after(this.wire.latencyMs, () => {
        this.other?.end(reason);
        this.end(reason);
      });
    });
  }

  breach(reason: string): void {
    this.outgoing.clear();
    this.close(reason);
  }

  end(reason: string): void {
    if (this.isOver) return;
    this.isOver = true;
    this.socket.close();
    this.outgoing.clear();
    this.handlers?.onClose(reason);
    this.handlers = undefined;
  }

  private arrived({ message, byteLength }: Frame & { readonly message: Incoming }): void {
    if (this.isOver) return;
    const { processor, costs } = this.machine;
    processor.run(receivingMs(costs, byteLength), () => {
      if (this.isOver) return;
      this.party.onMessage?.(message);
      if (this.handlers) this.handlers.onMessage(message);
      else this.early.push(message);
    });
  }

  /** Weights are measured once for all who get them. */
  private frameOf(outgoing: Outgoing | Broadcast<Outgoing>): Frame {
    if (!(outgoing instanceof Broadcast)) {
      return { message: outgoing, byteLength: frameBytes(outgoing, this.wire.sizes, this.side) };
    }
    const { message } = outgoing;
    const byteLength = frames.get(outgoing) ?? frameBytes(message, this.wire.sizes, this.side);
    frames.set(outgoing, byteLength);
    return { message, byteLength };
  }
}
