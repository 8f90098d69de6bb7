/**
 * Detects an item that a thread will never finish. A slow thread must not be ended, so the limit is many times what the
 * slowest item took so far. Time is counted in ticks of bounded length: while this process is stopped, so are its
 * threads, and that time does not count.
 */

export interface HangLimits {
  /** The shortest limit. */
  readonly leastMs: number;
  /** The limit before any item has been finished: the first item includes loading the engine. */
  readonly firstMs: number;
  /** The limit after that, as a multiple of the slowest item's time. */
  readonly slowestFactor: number;
  readonly tickMs: number;
}

export const HANG_LIMITS: HangLimits = { leastMs: 60_000, firstMs: 900_000, slowestFactor: 20, tickMs: 1000 };

/** A late tick counts as at most this many ticks. */
const MAX_TICKS = 3;

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

  /** Waits for `work` and returns its outcome. Calls `onHang` once if it takes too long. */
  async follow<Outcome>(work: Promise<Outcome>, onHang: (afterMs: number) => void): Promise<Outcome> {
    const watched: Watched = { ranMs: 0, onHang };
    this.watched.add(watched);
    this.startTicking();
    const startedMs = performance.now();
    try {
      const outcome = await work;
      const ranAtMostMs = watched.ranMs + MAX_TICKS * this.limits.tickMs; // without the time in which this process was stopped
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
    this.timer.unref(); // must not keep the process alive
  }

  private stopTicking(): void {
    clearInterval(this.timer);
    this.timer = undefined;
  }

  private tick(): void {
    const nowMs = performance.now();
    const passedMs = Math.min(nowMs - this.lastTickMs, MAX_TICKS * this.limits.tickMs);
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
