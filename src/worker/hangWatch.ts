/**
 * Notices an item that a thread will never finish. Generous: a thread that is merely slow must not be ended, so it gets
 * many times what the slowest item took so far. Time is counted in ticks of this process, each of bounded length: when
 * the process itself was stopped for a while, so were its threads, and none of them has hung.
 */

export interface HangLimits {
  /** Nothing hangs before that, in milliseconds. */
  readonly leastMs: number;
  /** The limit before any item has been finished: the first includes loading the engine. */
  readonly firstMs: number;
  /** The limit after that, in units of what the slowest item took. */
  readonly slowestFactor: number;
  readonly tickMs: number;
}

export const HANG_LIMITS: HangLimits = { leastMs: 60_000, firstMs: 900_000, slowestFactor: 20, tickMs: 1000 };

/** A tick that comes later than this many of its length counts no more. */
const LONGEST_TICK = 3;

interface Watched {
  ranMs: number;
  readonly onHang: (afterMs: number) => void;
}

export class HangWatch {
  private readonly watched = new Set<Watched>();
  private slowestMs: number | undefined;
  private timer: NodeJS.Timeout | undefined;
  private lastTickMs = 0;

  constructor(private readonly limits: HangLimits = HANG_LIMITS) {}

  /** Follows the promise, and hands on what comes of it; `onHang` is called, once, if nothing comes of it for too long. */
  async follow<Outcome>(work: Promise<Outcome>, onHang: (afterMs: number) => void): Promise<Outcome> {
    const watched: Watched = { ranMs: 0, onHang };
    this.watched.add(watched);
    this.startTicking();
    const startedMs = performance.now();
    try {
      const outcome = await work;
      const ranAtMostMs = watched.ranMs + LONGEST_TICK * this.limits.tickMs; // without what this process slept through
      const tookMs = Math.min(performance.now() - startedMs, ranAtMostMs);
      this.slowestMs = Math.max(this.slowestMs ?? 0, tookMs);
      return outcome;
    } finally {
      this.watched.delete(watched);
      if (this.watched.size === 0) this.stopTicking();
    }
  }

  private get limitMs(): number {
    const { leastMs, firstMs, slowestFactor } = this.limits;
    return this.slowestMs === undefined ? firstMs : Math.max(leastMs, slowestFactor * this.slowestMs);
  }

  private startTicking(): void {
    if (this.timer) return;
    this.lastTickMs = performance.now();
    this.timer = setInterval(() => this.tick(), this.limits.tickMs);
    this.timer.unref(); // a process that has nothing else to do may end
  }

  private stopTicking(): void {
    clearInterval(this.timer);
    this.timer = undefined;
  }

  private tick(): void {
    const nowMs = performance.now();
    const passedMs = Math.min(nowMs - this.lastTickMs, LONGEST_TICK * this.limits.tickMs);
    this.lastTickMs = nowMs;
    const { limitMs } = this;
    for (const watched of this.watched) {
      watched.ranMs += passedMs;
      if (watched.ranMs < limitMs) continue;
      this.watched.delete(watched);
      watched.onHang(watched.ranMs);
    }
  }
}
