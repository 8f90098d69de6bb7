/** How much of this thread's time one subscriber may take: a burst, and a share of the time that passes. */

export interface TimeAllowance {
  readonly burstMs: number;
  /** Of the time that passes, from 0 to 1. */
  readonly share: number;
}

/** A callback that takes a tenth of each step is noticed by nobody but its author. */
export const USUAL_ALLOWANCE: TimeAllowance = { burstMs: 5_000, share: 0.1 };

export class TimeBudget {
  private leftMs: number;
  private filledMs: number;

  constructor(
    private readonly allowance: TimeAllowance,
    nowMs: number,
  ) {
    this.leftMs = allowance.burstMs;
    this.filledMs = nowMs;
  }

  /** @returns whether the time taken was within the allowance */
  spend(tookMs: number, nowMs: number): boolean {
    const { burstMs, share } = this.allowance;
    this.leftMs = Math.min(burstMs, this.leftMs + (nowMs - this.filledMs) * share) - tookMs;
    this.filledMs = nowMs;
    return this.leftMs >= 0;
  }
}
