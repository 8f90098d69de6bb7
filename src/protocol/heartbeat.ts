/**
 * Notices a peer that is gone without a word: a process that is frozen, a machine without power, a cable cut, a
 * middlebox that swallows. Each side looks after itself: the two timeouts need not agree.
 */

/** What either side gives the other if it is not told otherwise, in milliseconds. */
export const DEFAULT_HEARTBEAT_TIMEOUT_MS = 10_000;

/** Below this, a busy machine is taken for a dead one. */
export const SHORTEST_HEARTBEAT_TIMEOUT_MS = 2_000;

const BEATS = 5;
/**
 * The peer's own timeout may be the shortest allowed; on a link that is busy in the other direction our pings are all
 * that it hears, so they must come well within that.
 */
const LONGEST_INTERVAL_MS = 1_000;

export interface HeartbeatOptions {
  /** The peer is given up after so many milliseconds of silence at the latest, and not before four fifths of them. */
  readonly timeoutMs: number;
  /** Grows with every byte that arrives. Bytes count, not messages: on a slow link a gradient is long on its way. */
  readonly bytesHeard: () => number;
  /** Makes the other side answer. */
  readonly ping: () => void;
  /** Called once. */
  readonly onSilence: () => void;
}

/**
 * Counts looks, not time: whoever was frozen himself, or busy, has listened once between any two looks, and does not
 * take his own absence for the other's.
 * @returns ends it
 */
export function startHeartbeat({ timeoutMs, bytesHeard, ping, onSilence }: HeartbeatOptions): () => void {
  const intervalMs = Math.min(timeoutMs / BEATS, LONGEST_INTERVAL_MS);
  // The look that finds the peer's last bytes may come a whole interval after them.
  const silentLooksAllowed = Math.ceil(timeoutMs / intervalMs) - 1;
  let heard = bytesHeard();
  let silentLooks = 0;
  const timer = setInterval(() => {
    const hearing = bytesHeard();
    silentLooks = hearing > heard ? 0 : silentLooks + 1;
    heard = hearing;
    if (silentLooks < silentLooksAllowed) return ping();
    clearInterval(timer);
    onSilence();
  }, intervalMs);
  return () => clearInterval(timer);
}
