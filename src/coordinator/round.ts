/**
 * One round of work: the micro-batches of a step, or the chunks of an evaluation, handed to whoever has a free place
 * until each has been answered once. Since every copy of an answer has the same bits, the hand-out may be greedy:
 *
 * - a node gets one item a worker, and one more a worker to have at hand when the first is done;
 * - what a node held when it left goes to others at once, before anything else;
 * - when nothing is left to hand out, an idle worker takes over what another node has not begun, or what is late.
 */

/** A node as a round sees it. */
export interface Assignee {
  readonly name: string;
  /** Workers that compute at the same time. */
  readonly threads: number;
  /** False while it is draining or gone. */
  readonly accepting: boolean;
  give(index: number): void;
  /** The item has been answered by another; it need not be begun. */
  cancel(index: number): void;
}

export interface RoundOptions {
  readonly itemCount: number;
  readonly assignees: () => Iterable<Assignee>;
  /** How long an item usually takes, in milliseconds; undefined until that is known. */
  readonly typicalMs: () => number | undefined;
  readonly onDurationMs: (durationMs: number) => void;
  readonly nowMs?: () => number;
}

interface Holding {
  /** When its holder began to compute it, as far as can be seen from here; undefined while it waits there. */
  beganAtMs: number | undefined;
}

const PREFETCHED_PER_WORKER = 1;
/** An item is late after so many times the usual duration, and not before the given time. */
const LATE_FACTOR = 2;
const LATE_AT_LEAST_MS = 20;
const NOBODY: ReadonlySet<Assignee> = new Set();

export class Round {
  /** Resolves when every item has been answered; rejects if the round is aborted. */
  readonly done: Promise<void>;
  private readonly unassigned: number[];
  private readonly answered = new Set<number>();
  private readonly holdings = new Map<Assignee, Map<number, Holding>>();
  private readonly returnedBy = new Map<number, Set<Assignee>>();
  private readonly nowMs: () => number;
  private lateTimer: NodeJS.Timeout | undefined;
  private isOver = false;
  private settle!: { resolve: () => void; reject: (error: unknown) => void };

  constructor(private readonly options: RoundOptions) {
    this.unassigned = Array.from({ length: options.itemCount }, (_, index) => index);
    this.nowMs = options.nowMs ?? (() => performance.now());
    this.done = new Promise((resolve, reject) => (this.settle = { resolve, reject }));
    this.done.catch(() => undefined); // whoever runs the round awaits it; an abort before that must not be fatal
  }

  /** Hands out what can be handed out now. Call whenever somebody has come or has a free place. */
  fill(): void {
    if (this.isOver) return;
    for (let next = this.takeUnassigned(); next; next = this.takeUnassigned()) {
      this.assign(next.assignee, next.index);
    }
    for (let repeat = this.findRepeat(); repeat; repeat = this.findRepeat()) {
      this.assign(repeat.assignee, repeat.index);
    }
    this.watchForLateItems();
  }

  /** Whether this round still wants the answer; a repeated or late one is not wanted, and is no fault. */
  wants(index: number): boolean {
    return !this.isOver && index < this.options.itemCount && !this.answered.has(index);
  }

  /** An accepted answer. */
  complete(assignee: Assignee, index: number): void {
    const began = this.release(assignee, index)?.beganAtMs;
    if (began !== undefined) this.options.onDurationMs(this.nowMs() - began);
    if (!this.wants(index)) return this.fill();
    this.answered.add(index);
    for (const [other, held] of this.holdings) {
      if (held.has(index) && held.get(index)!.beganAtMs === undefined) {
        held.delete(index);
        other.cancel(index);
      }
    }
    if (this.answered.size === this.options.itemCount) this.finish(() => this.settle.resolve());
    else this.fill();
  }

  /** The item could not be computed, or its answer was not accepted: it goes to somebody else, if there is one. */
  returnItem(assignee: Assignee, index: number): void {
    this.release(assignee, index);
    const tried = this.returnedBy.get(index);
    if (tried) tried.add(assignee);
    else this.returnedBy.set(index, new Set([assignee]));
    this.giveBack(index);
    this.fill();
  }

  /** The assignee is gone; everything it held is handed out again. */
  leave(assignee: Assignee): void {
    const held = this.holdings.get(assignee);
    this.holdings.delete(assignee);
    for (const index of [...(held?.keys() ?? [])].reverse()) this.giveBack(index);
    this.fill();
  }

  holdsItem(assignee: Assignee, index: number): boolean {
    return this.holdings.get(assignee)?.has(index) ?? false;
  }

  holds(assignee: Assignee): boolean {
    return (this.holdings.get(assignee)?.size ?? 0) > 0;
  }

  abort(error: unknown): void {
    if (!this.isOver) this.finish(() => this.settle.reject(error));
  }

  private finish(settle: () => void): void {
    this.isOver = true;
    clearTimeout(this.lateTimer);
    settle();
  }

  /** The first item that waits and whom it goes to. One that was given back may have to wait for somebody else. */
  private takeUnassigned(): { assignee: Assignee; index: number } | undefined {
    const hasRoom = (held: number, threads: number): boolean => held < threads * (1 + PREFETCHED_PER_WORKER);
    for (const [position, index] of this.unassigned.entries()) {
      const assignee = this.freest(hasRoom, this.unfitFor(index));
      if (assignee) {
        this.unassigned.splice(position, 1);
        return { assignee, index };
      }
      if (!this.returnedBy.has(index)) return undefined; // nobody at all has room
    }
    return undefined;
  }

  /** Who gave the item back, as long as there is anybody else to try it. */
  private unfitFor(index: number): ReadonlySet<Assignee> {
    const tried = this.returnedBy.get(index);
    if (!tried) return NOBODY;
    for (const assignee of this.options.assignees()) {
      if (assignee.accepting && !tried.has(assignee)) return tried;
    }
    return NOBODY;
  }

  /** Of those with room, the one with the fewest items a worker; of equals, the first to have come. */
  private freest(
    hasRoom: (held: number, threads: number) => boolean,
    unfit: ReadonlySet<Assignee> = NOBODY,
  ): Assignee | undefined {
    let best: Assignee | undefined;
    let bestLoad = Infinity;
    for (const assignee of this.options.assignees()) {
      if (unfit.has(assignee)) continue;
      const held = this.holdings.get(assignee)?.size ?? 0;
      const load = held / assignee.threads;
      if (assignee.accepting && hasRoom(held, assignee.threads) && load < bestLoad) {
        best = assignee;
        bestLoad = load;
      }
    }
    return best;
  }

  /** Somebody who idles, and an item of another's that is worth repeating there. */
  private findRepeat(): { assignee: Assignee; index: number } | undefined {
    for (const assignee of this.options.assignees()) {
      if (!assignee.accepting || (this.holdings.get(assignee)?.size ?? 0) >= assignee.threads) continue;
      const index = this.worthRepeating(assignee);
      if (index !== undefined) return { assignee, index };
    }
    return undefined;
  }

  /** An item that another node has not begun, else one that is late wherever it is being computed. */
  private worthRepeating(idle: Assignee): number | undefined {
    const lateAfterMs = this.lateAfterMs();
    let late: { index: number; beganAtMs: number } | undefined;
    for (const [holder, held] of this.holdings) {
      if (holder === idle) continue;
      for (const [index, { beganAtMs }] of held) {
        if (this.answered.has(index) || this.holdings.get(idle)?.has(index)) continue;
        if (this.unfitFor(index).has(idle)) continue;
        if (beganAtMs === undefined) {
          if (this.holderCount(index) === 1) return index;
          continue;
        }
        const isLate = lateAfterMs !== undefined && this.nowMs() - this.latestBeginMs(index) >= lateAfterMs;
        if (isLate && (!late || beganAtMs < late.beganAtMs)) late = { index, beganAtMs };
      }
    }
    return late?.index;
  }

  /** When the last of an item's holders began with it; one that has not begun yet counts as beginning now. */
  private latestBeginMs(index: number): number {
    let latest = -Infinity;
    for (const held of this.holdings.values()) {
      const holding = held.get(index);
      if (holding) latest = Math.max(latest, holding.beganAtMs ?? this.nowMs());
    }
    return latest;
  }

  private holderCount(index: number): number {
    let count = 0;
    for (const held of this.holdings.values()) if (held.has(index)) count++;
    return count;
  }

  private lateAfterMs(): number | undefined {
    const typicalMs = this.options.typicalMs();
    return typicalMs === undefined ? undefined : Math.max(LATE_AT_LEAST_MS, LATE_FACTOR * typicalMs);
  }

  /** Somebody idles and nothing is late yet: look again when the longest-running item becomes late. */
  private watchForLateItems(): void {
    clearTimeout(this.lateTimer);
    const lateAfterMs = this.lateAfterMs();
    if (lateAfterMs === undefined || !this.freest((held, threads) => held < threads)) return;
    let earliest: number | undefined;
    for (const held of this.holdings.values()) {
      for (const [index, { beganAtMs }] of held) {
        if (beganAtMs === undefined || this.answered.has(index)) continue;
        const lateAt = this.latestBeginMs(index) + lateAfterMs;
        if (lateAt > this.nowMs()) earliest = Math.min(earliest ?? lateAt, lateAt);
      }
    }
    if (earliest !== undefined) this.lateTimer = setTimeout(() => this.fill(), earliest - this.nowMs() + 1);
  }

  private assign(assignee: Assignee, index: number): void {
    let held = this.holdings.get(assignee);
    if (!held) this.holdings.set(assignee, (held = new Map<number, Holding>()));
    held.set(index, { beganAtMs: held.size < assignee.threads ? this.nowMs() : undefined });
    assignee.give(index);
  }

  /** Takes the item from its holder, whose next waiting item now begins. */
  private release(assignee: Assignee, index: number): Holding | undefined {
    const held = this.holdings.get(assignee);
    const holding = held?.get(index);
    if (!held || !holding) return undefined;
    held.delete(index);
    const next = [...held.values()].find(({ beganAtMs }) => beganAtMs === undefined);
    if (holding.beganAtMs !== undefined && next) next.beganAtMs = this.nowMs();
    return holding;
  }

  private giveBack(index: number): void {
    const isHeldOrWaiting = this.holderCount(index) > 0 || this.unassigned.includes(index);
    if (this.wants(index) && !isHeldOrWaiting) this.unassigned.unshift(index);
  }
}
