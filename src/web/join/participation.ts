/** The tab's part in the run: starts, pauses, restarts with other settings, and ends. */

import { newNodeSecret } from '../../worker/pages.js';
import type { EngineDescription } from '../../worker/pages.js';
import type { FromNode, JoinOptions, NodeEnd } from './node/talk.js';
import { NodeHandle } from './nodeHandle.js';
import { Tally } from './tally.js';
import type { Point } from './tally.js';

export type Phase =
  | { readonly kind: 'idle' }
  /** The threads load. */
  | { readonly kind: 'loading' }
  | { readonly kind: 'connecting' }
  | { readonly kind: 'computing'; readonly runName: string }
  /** The coordinator is away. It is tried again by itself. */
  | { readonly kind: 'lost'; readonly reason: string }
  /** What is in progress is answered first. */
  | { readonly kind: 'stopping' }
  | { readonly kind: 'paused'; readonly why: PauseReason }
  | { readonly kind: 'over'; readonly end: NodeEnd };

export type PauseReason = 'user' | 'battery';

/** What is to follow when the node has left. */
type Next = { readonly kind: 'go-on' } | { readonly kind: 'pause'; readonly why: PauseReason } | undefined;

export type NodeSettings = Omit<JoinOptions, 'nodeSecret'>;

export class Participation {
  phase: Phase = { kind: 'idle' };
  description: EngineDescription | undefined;
  readonly tally = new Tally();
  /** Of all nodes together, since the run began. */
  runCurve: readonly Point[] = [];
  private node: NodeHandle | undefined;
  private next: Next;
  private readonly nodeSecret = newNodeSecret();

  constructor(
    private readonly settings: () => NodeSettings,
    private readonly onChange: () => void,
  ) {}

  /** Whether there is a node, which computes or tries to. */
  get isOn(): boolean {
    return this.node !== undefined;
  }

  start(): void {
    if (this.node) return;
    this.next = undefined;
    this.phase = { kind: 'loading' };
    this.description = undefined; // of the engine before, which may have been exact
    const options = { ...this.settings(), nodeSecret: this.nodeSecret };
    this.node = new NodeHandle(options, (message) => this.hear(message));
    this.onChange();
  }

  /** Ignored while the tab is leaving or pausing: the battery must not override what the person has chosen. */
  pause(why: PauseReason): void {
    const isLeaving = this.phase.kind === 'stopping' && this.next?.kind !== 'go-on';
    if (!isLeaving) this.stop({ kind: 'pause', why });
  }

  /** What it had paused for is over. A person's own pause stays. */
  goOnAfter(why: PauseReason): void {
    if (this.next?.kind === 'pause' && this.next.why === why) this.next = { kind: 'go-on' };
    if (this.phase.kind === 'paused' && this.phase.why === why) this.start();
  }

  /** Takes part anew, with the settings as they are now. */
  restart(): void {
    if (this.phase.kind !== 'stopping') this.stop({ kind: 'go-on' });
  }

  leave(): void {
    if (this.node) return this.stop(undefined);
    this.phase = { kind: 'idle' };
    this.onChange();
  }

  private stop(next: Next): void {
    if (!this.node) return;
    this.next = next;
    this.phase = { kind: 'stopping' };
    this.node.leave();
    this.onChange();
  }

  private hear(message: FromNode): void {
    switch (message.kind) {
      case 'ready':
        this.description = message.description;
        return this.enter({ kind: 'connecting' });
      case 'connected':
        return; // it is welcomed at once, or told why not
      case 'welcome':
        this.tally.begin(message.length);
        return this.enter({ kind: 'computing', runName: message.runName });
      case 'lost':
        return this.enter({ kind: 'lost', reason: message.reason });
      case 'computed':
        this.tally.add(message.item);
        return this.onChange();
      case 'losses':
        this.runCurve = message.losses.map(([step, loss]) => ({ step: step - 1, loss }));
        return this.onChange();
      case 'over':
        return this.end(message.end);
    }
  }

  /** While it stops, what the node still does is not shown. */
  private enter(phase: Phase): void {
    if (this.phase.kind !== 'stopping') this.phase = phase;
    this.onChange();
  }

  private end(end: NodeEnd): void {
    const { next } = this;
    const hasLeft = this.phase.kind === 'stopping' && (end.kind === 'dismissed' || end.kind === 'lost');
    this.node = undefined;
    this.next = undefined;
    if (hasLeft && next?.kind === 'go-on') return this.start();
    this.phase = { kind: 'over', end };
    if (hasLeft) this.phase = next?.kind === 'pause' ? { kind: 'paused', why: next.why } : { kind: 'idle' };
    this.onChange();
  }
}
