/** One attached node, from its hello until it leaves. */

import { REAL_CLOCK } from '../../foundation/clock.js';
import type { Clock } from '../../foundation/clock.js';
import type {
  Broadcast,
  CoordinatorChannel,
  Evaluate,
  Hello,
  Parameters,
  Work,
  Workers,
} from '../../protocol/index.js';
import type { Assignee } from '../schedule/assignee.js';
import { itemKey } from '../schedule/itemKey.js';
import type { ItemKey, ItemKind, RoundKey } from '../schedule/itemKey.js';
import { Pace } from '../schedule/pace.js';
import { Workload } from '../schedule/workload.js';
import { GivenItems } from './givenItems.js';
import type { NodeReputation } from './nodeReputation.js';
import { WorkTally } from './workTally.js';

/** What the items of a round are, and the messages that ask for them. */
export interface ItemSource {
  readonly kind: ItemKind;
  /** The number of the step or of the evaluation. */
  readonly round: number;
  /** The weights to compute with. */
  readonly state: Broadcast<Parameters>;
  message(index: number): Work | Evaluate;
}

let memberCount = 0;

export class Member implements Assignee {
  readonly id = ++memberCount;
  private stateVersion = -1;
  private current: { readonly source: ItemSource; readonly key: RoundKey } | undefined;
  private readonly given = new GivenItems();
  readonly workload: Workload;
  readonly paces: Readonly<Record<ItemKind, Pace>> = { work: new Pace(), evaluate: new Pace() };
  readonly tally = new WorkTally();
  readonly attachedAtMs: number;
  draining = false;
  gone = false;
  hasAnswered = false;

  constructor(
    private currentHello: Hello,
    readonly channel: CoordinatorChannel,
    /** Whether the node belongs to this process, and so cannot be replaced by another. */
    readonly local: boolean,
    /** The node's record of faults. It outlives the connection. */
    readonly reputation: NodeReputation,
    private readonly clock: Clock = REAL_CLOCK,
  ) {
    this.attachedAtMs = clock.nowMs();
    this.workload = new Workload(currentHello.threads);
  }

  /** With what the node brings now. */
  get hello(): Hello {
    return this.currentHello;
  }

  get name(): string {
    return this.hello.nodeName;
  }

  get threads(): number {
    return this.hello.threads;
  }

  get accepting(): boolean {
    return !this.draining && !this.gone && this.threads > 0;
  }

  /** What the node brings has changed. */
  bring({ type: _, ...workers }: Workers): void {
    this.currentHello = { ...this.currentHello, ...workers };
    this.workload.resize(workers.threads, this.clock.nowMs());
  }

  /** The items given from now on come from this round. */
  enter(source: ItemSource, key: RoundKey): void {
    this.current = { source, key };
  }

  /** Sends the item. Sends the weights first if this node does not have them: once per node, not per thread. */
  give(index: number, isCopy: boolean): void {
    if (!this.current) return;
    this.tally.given++;
    if (isCopy) this.tally.repeated++;
    const { source } = this.current;
    const { version } = source.state.message;
    if (version !== this.stateVersion) {
      this.stateVersion = version;
      this.channel.send(source.state);
    }
    const key = itemKey(this.current.key, index);
    this.given.add(key, this.threads);
    // A message that was dropped before it was sent does not count towards the node's load.
    const whenDropped = (): void => this.workload.drop(key, this.clock.nowMs());
    this.channel.send(source.message(index), undefined, whenDropped);
  }

  wasLate(): void {
    this.tally.late++;
  }

  cancel(index: number): void {
    if (!this.current) return;
    const { kind, round } = this.current.source;
    this.channel.send({ type: 'cancel', item: kind, round, index });
  }

  /** Sends nothing to nodes that never send sums: those with one thread, and those of this process. */
  keepApart(index: number): void {
    if (this.current?.source.kind !== 'work' || this.threads === 1 || this.local) return;
    this.channel.send({ type: 'apart', step: this.current.source.round, microBatch: index });
  }

  /** Takes note that the item is answered. @returns whether the node was asked for it and had not answered before */
  wasAsked(key: ItemKey): boolean {
    return this.given.answer(key);
  }
}
