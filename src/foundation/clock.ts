/** Time, and what is to happen later. A simulated cluster has a clock of its own. */

export interface Clock {
  /** Milliseconds since some fixed moment. */
  nowMs(): number;
  /** Calls `action` once, after the delay; soon, if the moment has passed. @returns takes it back */
  after(delayMs: number, action: () => void): () => void;
}

export const REAL_CLOCK: Clock = {
  nowMs: () => performance.now(),
  after: (delayMs, action) => {
    const timer = setTimeout(action, Math.max(0, delayMs)); // Node 24 warns of a negative delay
    return () => clearTimeout(timer);
  },
};
