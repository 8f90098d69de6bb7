/**
 * One round of work: the micro-batches of a step, or the chunks of an evaluation, handed to whoever has a free place
 * until each has been answered once. Since every copy of an answer has the same bits, the hand-out is free to do what is
 * quickest:
 *
 * - a node gets one item a worker, and one more a worker to have at hand when the first is done; but nothing that the
 *   others would have done earlier, with all the rest;
 * - what a node held when it left goes to others at once, before anything else;
 * - an idle worker takes over what another node has not begun, and repeats what it would have done well before another;
 * - a node that gets nothing for being slow is given a copy of an item now and then: it may have recovered.
 */

import type { Assignee } from './assignee.js';
import type { Pace } from './pace.js';
import { forgetEarlierItems } from './staleItems.js';
import { Outlook } from './finishTimes.js';
import { findProbe, findRepeat, findTakeOver, isQuiet, quietAfter } from './spareWork.js';
import type { Assignment, Outstanding, Quiet } from './spareWork.js';

export interface RoundOptions<Node extends Assignee> {
  /** Names this round among all. */
  readonly key: string;
  readonly itemCount: number;
  readonly sampleCountOf: (index: number) => number;
  readonly assignees: () => Iterable<Node>;
  /** How quickly a node computes items of this kind. */
  readonly paceOf: (assignee: Node) => Pace;
  readonly nowMs?: () => number;
}

const PREFETCHED_PER_WORKER = 1;
/** A forecast is no promise: what is left to others must be done sooner there by so much. */
const HOLD_BACK_MARGIN = 1.2;
/** Who gave an item back is not given it again for so long: by then the others, if any, have shown what they are worth. */
const UNFIT_FOR_MS = 30_000;

export class Round<Node extends Assignee> {
  /** Resolves when every item has been answered; rejects if the round is aborted. */
  readonly done: Promise<void>;
  private readonly unassigned: number[];
  private readonly answered = new Set<number>();
  /** Who holds each item that has not been answered. */
  private readonly holders = new Map<number, Set<Node>>();
  private readonly outstanding: Outstanding<Node>;
  /** Set while there is somebody who idles, and nothing that would be better done there. */
  private quiet: Quiet | undefined;
  /** Items that are to be answered by themselves. */
  private readonly apart = new Set<number>();
  /** Who gave an item back, and when. */
  private readonly returnedBy = new Map<number, Map<Node, number>>();
  private readonly nowMs: () => number;
  private timer: NodeJS.Timeout | undefined;
  private isOver = false;
  private settle!: { resolve: () => void; reject: (error: unknown) => void };

  constructor(private readonly options: RoundOptions<Node>) {
    const { sampleCountOf, paceOf } = options;
    this.outstanding = {
      holders: this.holders,
      keyOf: (index) => this.keyOf(index),
      unfitFor: (index) => this.unfitFor(index),
      sampleCountOf,
      paceOf,
    };
    this.unassigned = Array.from({ length: options.itemCount }, (_, index) => index);
    this.nowMs = options.nowMs ?? (() => performance.now());
    this.done = new Promise((resolve, reject) => (this.settle = { resolve, reject }));
    this.done.catch(() => undefined); // whoever runs the round awaits it; an abort before that must not be fatal
  }

  /** Hands out what should be handed out now. Call whenever somebody has come or has a free place. */
  fill(): void {
    if (this.isOver) return;
    const outlook = new Outlook(this.options.assignees(), this.options.paceOf, this.nowMs());
    for (let next = this.takeUnassigned(outlook); next; next = this.takeUnassigned(outlook)) {
      this.assign(next, outlook);
    }
    if (outlook.isAnyoneIdle() && this.quiet && isQuiet(this.quiet, outlook.nowMs)) return;
    const forgotten = forgetEarlierItems(this.options.assignees(), this.options.key, outlook);
    if (forgotten.isAnyoneFreed) return this.fill();
    if (!outlook.isAnyoneIdle()) {
      this.quiet = undefined;
      return this.lookAgainAt(Math.min(forgotten.untilMs, this.nextFitMs()));
    }
    this.useSpareWorkers(outlook);
    const quiet = quietAfter(this.outstanding, outlook);
    this.quiet = { ...quiet, untilMs: Math.min(quiet.untilMs, forgotten.untilMs, this.nextFitMs()) };
    this.lookAgainAt(this.quiet.untilMs);
  }

  /** Whether this round still wants the answer; a repeated or late one is not wanted, and is no fault. */
  wants(index: number): boolean {
    return !this.isOver && index < this.options.itemCount && !this.answered.has(index);
  }

  /** An accepted answer. */
  complete(assignee: Node, index: number): void {
    assignee.workload.finish(this.keyOf(index), this.nowMs());
    if (!this.wants(index)) return this.fill();
    this.answered.add(index);
    const position = this.unassigned.indexOf(index);
    if (position >= 0) this.unassigned.splice(position, 1); // taken back from its holder, who had begun it
    for (const other of this.holders.get(index) ?? []) if (other !== assignee) this.callOff(other, index);
    this.holders.delete(index);
    if (this.answered.size === this.options.itemCount) return this.finish(() => this.settle.resolve());
    if (this.quiet) this.quiet.latestMs = Math.max(this.quiet.latestMs, this.nextFinishMs(assignee));
    this.fill();
  }

  /** The item could not be computed, or its answer was not accepted: it goes to somebody else, if there is one. */
  returnItem(assignee: Node, index: number): void {
    assignee.workload.drop(this.keyOf(index), this.nowMs());
    this.holders.get(index)?.delete(assignee);
    this.quiet = undefined;
    const returnedBy = this.returnedBy.get(index) ?? new Map<Node, number>();
    this.returnedBy.set(index, returnedBy.set(assignee, this.nowMs()));
    this.giveBack(index);
    this.fill();
  }

  /** The item was computed, but its answer came in a sum that cannot be used: it is wanted again, by itself, of whoever has room. */
  askAgain(assignee: Node, index: number): void {
    assignee.workload.finish(this.keyOf(index), this.nowMs());
    this.holders.get(index)?.delete(assignee);
    this.quiet = undefined;
    this.apart.add(index);
    this.giveBack(index);
    this.fill();
  }

  /** The assignee is gone; everything it held is handed out again. */
  leave(assignee: Node): void {
    this.quiet = undefined;
    const held = [...this.holders].filter(([, holders]) => holders.delete(assignee));
    for (const [index] of held.reverse()) this.giveBack(index);
    this.fill();
  }

  holds(assignee: Node): boolean {
    return [...this.holders.values()].some((holders) => holders.has(assignee));
  }

  abort(error: unknown): void {
    if (!this.isOver) this.finish(() => this.settle.reject(error));
  }

  private finish(settle: () => void): void {
    this.isOver = true;
    clearTimeout(this.timer);
    settle();
  }

  private keyOf(index: number): string {
    return `${this.options.key}/${index}`;
  }

  /** The first item that waits and whom it goes to. One that was given back may have to wait for somebody else. */
  private takeUnassigned(outlook: Outlook<Node>): Assignment<Node> | undefined {
    for (const [position, index] of this.unassigned.entries()) {
      const unfit = this.unfitFor(index);
      const sampleCount = this.options.sampleCountOf(index);
      const best = outlook.quickest(sampleCount, (one) => hasRoom(one) && !unfit.has(one));
      if (best && !this.isBetterLeft(best, sampleCount, unfit, outlook)) {
        this.unassigned.splice(position, 1);
        return { assignee: best, index };
      }
      if (!this.returnedBy.has(index)) return undefined; // nobody at all has room, or is wanted
    }
    return undefined;
  }

  /** Whether the others would have done everything that waits well before this one had done the first of it. */
  private isBetterLeft(
    assignee: Node,
    sampleCount: number,
    unfit: ReadonlySet<Node>,
    outlook: Outlook<Node>,
  ): boolean {
    if (!outlook.isSlow(assignee)) return false;
    const tookMs = outlook.newFinishMs(assignee, sampleCount) - outlook.nowMs;
    const others = (other: Node): boolean => other !== assignee && !unfit.has(other);
    const earlierMs = outlook.nowMs + tookMs / HOLD_BACK_MARGIN;
    return outlook.reaches(this.unassigned.length, earlierMs, sampleCount, others);
  }

  /** Who gave the item back not long ago, as long as there is anybody else to try it. */
  private unfitFor(index: number): ReadonlySet<Node> {
    const returnedBy = this.returnedBy.get(index);
    if (!returnedBy) return new Set();
    const longAgoMs = this.nowMs() - UNFIT_FOR_MS;
    const unfit = new Set([...returnedBy].filter(([, atMs]) => atMs > longAgoMs).map(([node]) => node));
    for (const assignee of this.options.assignees()) {
      if (assignee.accepting && !returnedBy.has(assignee)) return unfit;
    }
    return new Set();
  }

  /** When the next node that gave an item back may be given it again. */
  private nextFitMs(): number {
    let nextMs = Infinity;
    for (const returnedBy of this.returnedBy.values()) {
      for (const atMs of returnedBy.values()) {
        if (atMs + UNFIT_FOR_MS > this.nowMs()) nextMs = Math.min(nextMs, atMs + UNFIT_FOR_MS);
      }
    }
    return nextMs;
  }

  private useSpareWorkers(outlook: Outlook<Node>): void {
    const { outstanding } = this;
    for (let found = findTakeOver(outstanding, outlook); found; found = findTakeOver(outstanding, outlook)) {
      for (const holder of this.holders.get(found.index)!) {
        this.callOff(holder, found.index);
        outlook.forget(holder);
      }
      this.holders.get(found.index)!.clear();
      this.assign(found, outlook);
    }
    for (let found = findRepeat(outstanding, outlook); found; found = findRepeat(outstanding, outlook)) {
      this.assign(found, outlook);
    }
    for (let found = findProbe(outstanding, outlook); found; found = findProbe(outstanding, outlook)) {
      this.assign(found, outlook);
    }
  }

  /** Waiting alone may make an item late, and worth doing elsewhere. */
  private lookAgainAt(timeMs: number): void {
    clearTimeout(this.timer);
    if (timeMs === Infinity) return;
    this.timer = setTimeout(() => this.fill(), Math.max(1, timeMs - this.nowMs() + 1));
  }

  private assign({ assignee, index }: Assignment<Node>, outlook: Outlook<Node>): void {
    const { sampleCountOf, paceOf } = this.options;
    const holders = this.holders.get(index);
    if (holders) holders.add(assignee);
    else this.holders.set(index, new Set([assignee]));
    const item = {
      round: this.options.key,
      key: this.keyOf(index),
      sampleCount: sampleCountOf(index),
      pace: paceOf(assignee),
    };
    assignee.workload.add(item, this.nowMs());
    this.quiet = undefined;
    assignee.give(index);
    if (this.apart.has(index)) assignee.keepApart(index);
    outlook.forget(assignee);
  }

  /** What a node has begun it computes to the end; what it has not begun it forgets. */
  private callOff(holder: Node, index: number): void {
    const key = this.keyOf(index);
    if (holder.workload.get(key)?.beganAtMs !== undefined) return;
    holder.workload.drop(key, this.nowMs());
    holder.cancel(index);
  }

  /** When the last of what the assignee holds will be done: its next item has begun just now. */
  private nextFinishMs(assignee: Node): number {
    const outlook = new Outlook([assignee], this.options.paceOf, this.nowMs());
    return Math.max(...[...assignee.workload.items()].map(({ key }) => outlook.expectedMs([assignee], key)));
  }

  private giveBack(index: number): void {
    const isHeldOrWaiting = (this.holders.get(index)?.size ?? 0) > 0 || this.unassigned.includes(index);
    if (this.wants(index) && !isHeldOrWaiting) this.unassigned.unshift(index);
  }
}

function hasRoom({ workload }: Assignee): boolean {
  return workload.itemCount < workload.threads * (1 + PREFETCHED_PER_WORKER);
}
