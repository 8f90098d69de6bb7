/** One attached node, from its hello to its leaving. */

import type { Broadcast, CoordinatorChannel, Evaluate, Hello, Parameters, Work } from '../protocol/index.js';
import type { Assignee } from './round.js';

/** What a round's items are and where they come from. */
export interface ItemSource {
  readonly kind: 'work' | 'evaluate';
  /** The step or the evaluation. */
  readonly round: number;
  readonly state: Broadcast<Parameters>;
  message(index: number): Work | Evaluate;
}

export class Member implements Assignee {
  private stateVersion = -1;
  private source: ItemSource | undefined;
  draining = false;
  gone = false;
  hasAnswered = false;

  constructor(
    readonly hello: Hello,
    readonly channel: CoordinatorChannel,
    /** A node of this process: it cannot be replaced by another. */
    readonly local: boolean,
  ) {}

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
    this.channel.send(source.message(index));
  }

  cancel(index: number): void {
    if (this.source)
      this.channel.send({ type: 'cancel', item: this.source.kind, round: this.source.round, index });
  }
}
