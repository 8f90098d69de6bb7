/** One attached node, from its hello to its leaving. */

import type {
  Broadcast,
  CoordinatorChannel,
  Evaluate,
  Hello,
  Parameters,
  Work,
} from '../../protocol/index.js';
import type { Conduct } from './nodeReputation.js';
import { GivenItems } from './givenItems.js';
import { Pace } from '../schedule/pace.js';
import type { Assignee } from '../schedule/assignee.js';
import { Workload } from '../schedule/workload.js';

export type ItemKind = 'work' | 'evaluate';

/** What a round's items are and where they come from. */
export interface ItemSource {
  readonly kind: ItemKind;
  /** The step or the evaluation. */
  readonly round: number;
  readonly state: Broadcast<Parameters>;
  message(index: number): Work | Evaluate;
}

/** Names a round among all of a run; an item is named by it and its index. */
export function roundKey(kind: ItemKind, round: number): string {
  return `${kind} ${round}`;
}

export class Member implements Assignee {
  private stateVersion = -1;
  private source: ItemSource | undefined;
  private readonly given = new GivenItems();
  readonly workload: Workload;
  readonly paces: Readonly<Record<ItemKind, Pace>> = { work: new Pace(), evaluate: new Pace() };
  draining = false;
  gone = false;
  hasAnswered = false;

  constructor(
    readonly hello: Hello,
    readonly channel: CoordinatorChannel,
    /** A node of this process: it cannot be replaced by another. */
    readonly local: boolean,
    /** What is held against it; it outlives the connection. */
    readonly conduct: Conduct,
  ) {
    this.workload = new Workload(hello.threads);
  }

  get name(): string {
    return this.hello.nodeName;
  }

  get threads(): number {
    return this.hello.threads;
  }

  get accepting(): boolean {
    return !this.draining && !this.gone;
  }

  /** The items given from now on come from this round. */
  enter(source: ItemSource): void {
    this.source = source;
  }

  /** Sends the item; before it the state, if this node has not got it yet: once a node, however many threads. */
  give(index: number): void {
    const { source } = this;
    if (!source) return;
    const { version } = source.state.message;
    if (version !== this.stateVersion) {
      this.stateVersion = version;
      this.channel.send(source.state);
    }
    const key = itemKey(source.kind, source.round, index);
    this.given.add(key);
    // What never left for a slow node, and is no longer wanted there, is no load of its.
    const whenDropped = (): void => this.workload.drop(key, performance.now());
    this.channel.send(source.message(index), undefined, whenDropped);
  }

  cancel(index: number): void {
    if (this.source)
      this.channel.send({ type: 'cancel', item: this.source.kind, round: this.source.round, index });
  }

  /** Nodes of one thread, and those of this process, send no sums. */
  keepApart(index: number): void {
    if (this.source?.kind !== 'work' || this.threads === 1 || this.local) return;
    this.channel.send({ type: 'apart', step: this.source.round, microBatch: index });
  }

  /** @returns whether the node was asked for the item, and had not answered it before */
  wasAsked(kind: ItemKind, round: number, index: number): boolean {
    return this.given.answer(itemKey(kind, round, index));
  }
}

export function itemKey(kind: ItemKind, round: number, index: number): string {
  return `${roundKey(kind, round)}/${index}`;
}
