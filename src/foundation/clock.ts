/** Time, and what is to happen later. A simulated cluster has a clock of its own. */

export interface Clock {
  /** Milliseconds since some fixed moment. */
  nowMs(): number;
  /** Calls `action` once, after the delay. @returns takes it back */
  after(delayMs: number, action: () => void): () => void;
}

export const REAL_CLOCK: Clock = {
  nowMs: () => performance.now(),
  after: (delayMs, action) => {
    const timer = setTimeout(action, delayMs);
    return () => clearTimeout(timer);
  },
};
