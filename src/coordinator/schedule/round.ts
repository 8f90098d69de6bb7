/**
 * The schedule of one round: hands the micro-batches of a step, or the chunks of an evaluation, to nodes until each item
 * has been answered once. Every copy of an answer has the same bits, so the schedule may do whatever is quickest:
 *
 * - a node gets one item per worker, and one more per worker to have ready when the first is finished; but no item that
 *   the other nodes would finish earlier, together with everything else;
 * - items of a node that left go to other nodes at once, before anything else;
 * - an idle worker takes over an item that another node has not begun, and repeats an item that it would finish well
 *   before the other node;
 * - a node that gets no items because it is slow is given a copy of one now and then: it may have recovered.
 *
 * An open round, of a relay, gets its items one by one, and ends when it is aborted.
 */

import { REAL_CLOCK } from '../../foundation/clock.js';
import type { Clock } from '../../foundation/clock.js';
import type { Assignee } from './assignee.js';
import { FinishTimes } from './finishTimes.js';
import { itemKey } from './itemKey.js';
import type { ItemKey } from './itemKey.js';
import type { ItemStatus, RoundOptions } from './roundOptions.js';
import { ReturnedItems } from './returnedItems.js';
import { isSearchPaused, restMs, searchPauseAfter, SpareWork, whileUnread } from './spareWork.js';
import type { Assignment, Outstanding, SearchPause } from './spareWork.js';
import { dropStaleItems } from './staleItems.js';

/** Forecasts are inexact: an item is left to other nodes only if they finish it sooner by this factor. */
const HOLD_BACK_MARGIN = 1.2;

export class Round<Node extends Assignee> {
  /** Resolves when every item has been answered; rejects if the round is aborted. */
  readonly done: Promise<void>;
  private readonly unassigned: number[];
  /** Of an open round: the items that were added and are still asked for. */
  private readonly added = new Set<number>();
  /** The node whose answer was taken, by item. */
  private readonly answered = new Map<number, Node>();
  /** The nodes that hold each unanswered item. */
  private readonly holders = new Map<number, Set<Node>>();
  private readonly outstanding: Outstanding<Node>;
  /** Set while a worker is idle and no item would be finished earlier by it. */
  private pause: SearchPause | undefined;
  /** While no worker is idle. Items of earlier rounds only become fewer, so they need not be looked at before. */
  private nothingStaleBeforeMs = -Infinity;
  /** No search for spare work before this moment, whatever happens: see `restMs`. */
  private restUntilMs = -Infinity;
  /** Items that must be answered alone, not in a sum. */
  private readonly apart = new Set<number>();
  private readonly returned = new ReturnedItems<Node>();
  private readonly clock: Clock;
  private cancelLook: () => void = () => undefined;
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
    const count = options.itemCount === 'open' ? 0 : options.itemCount;
    this.unassigned = Array.from({ length: count }, (_, index) => index);
    this.clock = options.clock ?? REAL_CLOCK;
    this.done = new Promise((resolve, reject) => (this.settle = { resolve, reject }));
    this.done.catch(() => undefined); // an abort before anyone awaits it must not be an unhandled rejection
  }

  /** Hands out the items that should be handed out now. Call it when a node has joined or has room. */
  fill(): void {
    if (this.isOver) return;
    const times = new FinishTimes(this.options.assignees(), this.options.paceOf, this.nowMs());
    for (let next = this.takeUnassigned(times); next; next = this.takeUnassigned(times)) {
      this.assign(next, times);
    }
    if (times.isAnyoneIdle()) {
      if (this.pause && isSearchPaused(this.pause, times.nowMs)) return this.lookAgainAt(this.pause.untilMs);
      if (times.nowMs < this.restUntilMs) return this.lookAgainAt(this.restUntilMs);
    }
    const isAnyoneIdle = times.isAnyoneIdle();
    if (!isAnyoneIdle && times.nowMs < this.nothingStaleBeforeMs) {
      this.pause = undefined;
      return this.lookAgainAt(Math.min(this.nothingStaleBeforeMs, this.returned.nextFitMs(times.nowMs)));
    }
    const stale = dropStaleItems(this.options.assignees(), this.options.key, times);
    if (stale.isAnyWorkerFreed) return this.fill();
    if (!isAnyoneIdle) {
      this.pause = undefined;
      this.nothingStaleBeforeMs = stale.untilMs;
      return this.lookAgainAt(Math.min(stale.untilMs, this.returned.nextFitMs(this.nowMs())));
    }
    const pause = this.useSpareWorkers(times);
    this.restUntilMs = times.nowMs + restMs(this.holders.size, pause.leastMs, times);
    this.pause = {
      ...pause,
      untilMs: Math.min(pause.untilMs, stale.untilMs, this.returned.nextFitMs(this.nowMs())),
    };
    this.lookAgainAt(this.pause.untilMs);
  }

  /** Whether the item still needs an answer. A second answer to a repeated item is not needed, and is no fault. */
  wants(index: number): boolean {
    const { itemCount } = this.options;
    const isAsked = itemCount === 'open' ? this.added.has(index) : index < itemCount;
    return !this.isOver && isAsked && !this.answered.has(index);
  }

  /** Adds an item to an open round. One that was answered is asked for again. */
  add(index: number): void {
    if (this.isOver || this.wants(index)) return;
    this.added.add(index);
    this.answered.delete(index);
    this.unassigned.push(index);
    this.pause = undefined;
    this.fill();
  }

  /**
   * The item of an open round is no longer wanted. A node that has begun it finishes it.
   * @returns whether nobody computes it
   */
  withdraw(index: number): boolean {
    if (!this.wants(index)) return false;
    const position = this.unassigned.indexOf(index);
    if (position >= 0) this.unassigned.splice(position, 1);
    const holders = this.holders.get(index) ?? new Set<Node>();
    for (const holder of holders) if (this.cancel(holder, index)) holders.delete(holder);
    if (holders.size > 0) return false;
    this.holders.delete(index);
    this.added.delete(index);
    return true;
  }

  /** The item must be answered alone, not in a sum. */
  keepApart(index: number): void {
    if (!this.wants(index)) return;
    this.apart.add(index);
    for (const holder of this.holders.get(index) ?? []) holder.keepApart(index);
  }

  /**
   * The assignee's answer was accepted, or was not needed any more. The items of a sum are completed together: none of them
   * is handed out again on account of another.
   */
  complete(assignee: Node, ...indices: readonly number[]): void {
    const wanted = indices.filter((index) => this.wants(index));
    for (const index of indices) assignee.workload.finish(this.keyOf(index), this.nowMs());
    for (const index of wanted) this.takeAnswer(assignee, index);
    if (this.isOver || wanted.length === 0) return this.fill();
    if (this.answered.size === this.options.itemCount) return this.finish(() => this.settle.resolve());
    if (this.pause) this.pause.latestMs = Math.max(this.pause.latestMs, this.nextFinishMs(assignee));
    this.fill();
  }

  private takeAnswer(assignee: Node, index: number): void {
    this.answered.set(index, assignee);
    const position = this.unassigned.indexOf(index);
    if (position >= 0) this.unassigned.splice(position, 1); // given back by a holder that had begun it
    for (const other of this.holders.get(index) ?? []) if (other !== assignee) this.cancel(other, index);
    this.holders.delete(index);
  }

  /** The item could not be computed, or its answer was not accepted: another node gets it, if there is one. */
  returnItem(assignee: Node, index: number): void {
    assignee.workload.drop(this.keyOf(index), this.nowMs());
    this.holders.get(index)?.delete(assignee);
    this.pause = undefined;
    this.returned.add(index, assignee, this.nowMs());
    this.giveBack(index);
    this.fill();
  }

  /** The item's answer came in a sum that cannot be used: any node with room computes it again and answers it alone. */
  askAgain(assignee: Node, index: number): void {
    assignee.workload.finish(this.keyOf(index), this.nowMs());
    this.holders.get(index)?.delete(assignee);
    this.pause = undefined;
    this.apart.add(index);
    this.giveBack(index);
    this.fill();
  }

  /** The assignee is gone: its items are handed out again. */
  leave(assignee: Node): void {
    this.pause = undefined;
    const held = [...this.holders].filter(([, holders]) => holders.delete(assignee));
    for (const [index] of held.reverse()) this.giveBack(index);
    this.fill();
  }

  holds(assignee: Node): boolean {
    return [...this.holders.values()].some((holders) => holders.has(assignee));
  }

  /** Who has answered the item; else who holds it, if anyone. */
  statusOf(index: number): ItemStatus<Node> {
    const answeredBy = this.answered.get(index);
    if (answeredBy) return { isAnswered: true, by: answeredBy };
    const [holder] = this.holders.get(index) ?? [];
    return { isAnswered: false, by: holder };
  }

  abort(error: unknown): void {
    if (!this.isOver) this.finish(() => this.settle.reject(error));
  }

  private finish(settle: () => void): void {
    this.isOver = true;
    this.cancelLook();
    settle();
  }

  private nowMs(): number {
    return this.clock.nowMs();
  }

  private keyOf(index: number): ItemKey {
    return itemKey(this.options.key, index);
  }

  /** The first waiting item, and the node that gets it. An item that was given back may have to wait for another node. */
  private takeUnassigned(times: FinishTimes<Node>): Assignment<Node> | undefined {
    for (const [position, index] of this.unassigned.entries()) {
      const unfit = this.unfitFor(index);
      const sampleCount = this.options.sampleCountOf(index);
      const best = times.quickest(sampleCount, (one) => !unfit.has(one));
      if (best && !this.isBetterLeft(best, sampleCount, unfit, times)) {
        this.unassigned.splice(position, 1);
        return { assignee: best, index };
      }
      if (!this.returned.has(index)) return undefined; // no node has room, or all are too slow
    }
    return undefined;
  }

  /** Whether the other nodes would finish all waiting items well before this node finished the first. */
  private isBetterLeft(
    assignee: Node,
    sampleCount: number,
    unfit: ReadonlySet<Node>,
    times: FinishTimes<Node>,
  ): boolean {
    if (!times.isSlow(assignee)) return false;
    const tookMs = times.newFinishMs(assignee, sampleCount) - times.nowMs;
    const others = (other: Node): boolean => other !== assignee && !unfit.has(other);
    const earlierMs = times.nowMs + tookMs / HOLD_BACK_MARGIN;
    return times.reaches(this.unassigned.length, earlierMs, sampleCount, others);
  }

  private unfitFor(index: number): ReadonlySet<Node> {
    return this.returned.unfitFor(index, this.nowMs(), this.options.assignees());
  }

  /** @returns until when another search would find nothing */
  private useSpareWorkers(times: FinishTimes<Node>): SearchPause {
    const work = new SpareWork(this.outstanding, times);
    for (let found = work.findTakeOver(); found; found = work.findTakeOver()) {
      for (const holder of this.holders.get(found.index)!) {
        this.cancel(holder, found.index);
        times.forget(holder);
      }
      this.holders.get(found.index)!.clear();
      this.assign(found, times);
    }
    if (this.options.areAnswersRead?.() === false) return whileUnread(this.outstanding, times);
    for (let found = work.findRepeat(); found; found = work.findRepeat()) {
      for (const holder of this.holders.get(found.index)!) holder.wasLate?.();
      this.assign(found, times);
    }
    for (let found = work.findProbe(); found; found = work.findProbe()) {
      this.assign(found, times);
    }
    return searchPauseAfter(this.outstanding, times);
  }

  /** Calls `fill` at that time: an item may be late by then, and worth repeating elsewhere. */
  private lookAgainAt(timeMs: number): void {
    this.cancelLook();
    if (timeMs === Infinity) return;
    this.cancelLook = this.clock.after(Math.max(1, timeMs - this.nowMs() + 1), () => this.lookAgain());
  }

  /** Nobody would catch an error in a timer, for example of reading an item's samples: it ends the round. */
  private lookAgain(): void {
    try {
      this.fill();
    } catch (error) {
      this.abort(error);
    }
  }

  private assign({ assignee, index }: Assignment<Node>, times: FinishTimes<Node>): void {
    const { sampleCountOf, paceOf } = this.options;
    const holders = this.holders.get(index);
    const isCopy = holders !== undefined && holders.size > 0;
    if (holders) holders.add(assignee);
    else this.holders.set(index, new Set([assignee]));
    const item = {
      round: this.options.key,
      key: this.keyOf(index),
      sampleCount: sampleCountOf(index),
      pace: paceOf(assignee),
    };
    assignee.workload.add(item, this.nowMs());
    this.pause = undefined;
    assignee.give(index, isCopy);
    if (this.apart.has(index)) assignee.keepApart(index);
    times.forget(assignee);
  }

  /** Cancels the item, unless the node has begun it: then it finishes it. @returns whether it was cancelled */
  private cancel(holder: Node, index: number): boolean {
    const key = this.keyOf(index);
    if (holder.workload.get(key)?.beganAtMs !== undefined) return false;
    holder.workload.drop(key, this.nowMs());
    holder.cancel(index);
    return true;
  }

  /** When the assignee will have finished all its items. Its next item has begun just now. */
  private nextFinishMs(assignee: Node): number {
    const times = new FinishTimes([assignee], this.options.paceOf, this.nowMs());
    return Math.max(...[...assignee.workload.items()].map(({ key }) => times.expectedMs([assignee], key)));
  }

  private giveBack(index: number): void {
    const isHeldOrWaiting = (this.holders.get(index)?.size ?? 0) > 0 || this.unassigned.includes(index);
    if (this.wants(index) && !isHeldOrWaiting) this.unassigned.unshift(index);
  }
}
