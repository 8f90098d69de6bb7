/**
 * What everyone who is attached to a coordinator says and hears alike: hello, leaving, the end, and what no coordinator may
 * send. The owner handles weights and items: threads compute them, or a relay passes them on.
 */

import { describeError } from '../foundation/errors.js';
import { networkFromText } from '../model/index.js';
import type { Model } from '../model/index.js';
import { LOCKSTEP_VERSION, PROTOCOL_VERSION } from '../protocol/index.js';
import type { Bye, CoordinatorMessage, NodeChannel, Refused, Workers } from '../protocol/index.js';
import { endOf } from './conversationEnd.js';
import type { ConversationEnd } from './conversationEnd.js';
import { Departure } from './departure.js';
import { MAX_MICRO_BATCHES } from './workLimits.js';

/** What is said over one connection. */
export interface Dialogue {
  /** Resolves when the channel is closed for whatever reason, or when no further message can come. */
  readonly ended: Promise<ConversationEnd>;
  /** Asks to leave. Items already received are still answered; then the coordinator sends `bye`. */
  drain(): void;
}

/** All but what ends a conversation. */
export type MessageToOwner = Exclude<CoordinatorMessage, Bye | Refused>;

export interface NodeDialogueOptions {
  readonly channel: NodeChannel;
  readonly nodeName: string;
  /** The same for all conversations of a node; see `helloSchema`. */
  readonly nodeSecret: string;
  /** Whether to be refused rather than to compute in another numerics class than the run's. */
  readonly onlyClassOfRun?: boolean;
  readonly onMessage: (message: MessageToOwner) => void;
  /** Whether items wait for an answer: a node that leaves answers them. */
  readonly isBusy: () => boolean;
  /** Called once, before `ended` resolves. */
  readonly onEnd: () => void;
}

const LONGEST_REASON = 2000;

export class NodeDialogue implements Dialogue {
  readonly ended: Promise<ConversationEnd>;
  private resolveEnded: (end: ConversationEnd) => void = () => undefined;
  private lastMessage: Bye | Refused | undefined;
  private draining = false;
  private isOver = false;
  private readonly departure: Departure;

  constructor(private readonly options: NodeDialogueOptions) {
    this.ended = new Promise((resolve) => (this.resolveEnded = resolve));
    this.departure = new Departure({
      isBusy: options.isBusy,
      leave: (reason) => this.leave({ type: 'bye', runEnded: false, reason }),
    });
  }

  /** Begins: says hello, and hands on what comes. */
  open(workers: Omit<Workers, 'type'>): void {
    const { channel, nodeName, nodeSecret, onlyClassOfRun = false } = this.options;
    channel.open({
      onMessage: (message) => this.receive(message),
      onClose: (reason) => this.end(reason),
    });
    const only = onlyClassOfRun ? { onlyClassOfRun } : {};
    const versions = { protocolVersion: PROTOCOL_VERSION, lockstepVersion: LOCKSTEP_VERSION };
    channel.send({ type: 'hello', ...versions, nodeName, nodeSecret, ...only, ...workers });
  }

  /** Whether items that come now are to be answered. */
  get takesItems(): boolean {
    return !this.lastMessage && !this.departure.isLate;
  }

  drain(): void {
    this.draining = true;
    this.options.channel.send({ type: 'drain' });
    this.departure.begin();
  }

  /** Checks the list of layers and builds the network; leaves if it cannot be used. */
  build(network: string): Model | undefined {
    try {
      return networkFromText(network, 'of the coordinator');
    } catch (error) {
      const reason = `${describeError(error)}; use the same Lockstep version on both machines`;
      this.refuse(reason);
      return undefined;
    }
  }

  /** Leaves a run that this node cannot take part in. */
  refuse(reason: string): void {
    this.leave({ type: 'refused', code: 'E_REFUSED', reason: reason.slice(0, LONGEST_REASON) });
  }

  closeForBreach(reason: string): void {
    this.options.channel.breach(`the coordinator broke the protocol: ${reason}`);
  }

  private receive(message: CoordinatorMessage): void {
    if (message.type === 'bye' || message.type === 'refused') return this.leave(message);
    if (message.type === 'apart' && message.microBatch >= MAX_MICRO_BATCHES) {
      return this.closeForBreach(`micro-batch ${message.microBatch} is to be kept apart`);
    }
    this.options.onMessage(message);
  }

  /** Ends the conversation, without waiting for the peer to close the channel. */
  private leave(lastMessage: Bye | Refused): void {
    this.lastMessage ??= lastMessage;
    this.options.channel.close(lastMessage.reason);
    this.end(lastMessage.reason);
  }

  private end(reason: string): void {
    if (this.isOver) return;
    this.isOver = true;
    this.options.onEnd();
    this.departure.end();
    this.resolveEnded(endOf(this.lastMessage, reason, this.draining));
  }
}
