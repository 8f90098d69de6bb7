/** Connects to a coordinator again and again, until its run has ended: the same for a process and for a page. */

import type { ConversationEnd } from './conversationEnd.js';

export interface ReconnectOptions {
  /** Serves over one connection, to its end. */
  readonly attempt: () => Promise<Attempt>;
  /** How long to keep trying to reach the coordinator. */
  readonly retryForMs: number;
  /** Aborted to leave. */
  readonly signal: AbortSignal;
  readonly onLost: (reason: string, retryInMs: number) => void;
}

export interface Attempt {
  readonly wasConnected: boolean;
  readonly end: ConversationEnd;
}

/** The coordinator could not be reached for too long. */
export interface Unreachable {
  readonly kind: 'unreachable';
  readonly reason: string;
}

const FIRST_DELAY_MS = 250;
const LONGEST_DELAY_MS = 15_000;
export const STOPPED_EARLY = 'stopped before a coordinator was reached';

export async function serveUntilEnded(options: ReconnectOptions): Promise<ConversationEnd | Unreachable> {
  const { attempt, retryForMs, signal, onLost } = options;
  let delayMs = FIRST_DELAY_MS;
  let unreachableSinceMs = performance.now();
  for (;;) {
    const beganAtMs = performance.now();
    const { wasConnected, end } = await attempt();
    if (end.kind !== 'lost' || signal.aborted) return end;
    if (wasConnected) {
      unreachableSinceMs = performance.now();
      // A connection that lasted less than the pause before it does not reset the delay.
      if (unreachableSinceMs - beganAtMs > delayMs) delayMs = FIRST_DELAY_MS;
    }
    if (performance.now() - unreachableSinceMs > retryForMs) {
      return { kind: 'unreachable', reason: end.reason };
    }
    // Random, so that nodes that lost the same coordinator do not all reconnect at once.
    // eslint-disable-next-line no-restricted-properties -- decides when a node comes back, never what it computes
    const retryInMs = Math.round(delayMs * (0.5 + Math.random()));
    onLost(end.reason, retryInMs);
    await pause(retryInMs, signal);
    // eslint-disable-next-line @typescript-eslint/no-unnecessary-condition -- it may have changed during the pause
    if (signal.aborted) return { kind: 'lost', reason: STOPPED_EARLY };
    delayMs = Math.min(2 * delayMs, LONGEST_DELAY_MS);
  }
}

/** Ends early when `signal` is aborted. */
function pause(durationMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, durationMs);
    signal.addEventListener('abort', end);
  });
}
