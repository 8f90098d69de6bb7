/**
 * Detects a peer that has gone silent: a frozen process, a machine without power, a cut cable, a middlebox that drops
 * packets. Each side has its own timeout; the two need not agree.
 */

/** The default for both sides. */
export const DEFAULT_HEARTBEAT_TIMEOUT_MS = 10_000;

/** With a shorter timeout, a busy machine would look dead. */
export const SHORTEST_HEARTBEAT_TIMEOUT_MS = 2_000;

const BEATS = 5;
/**
 * The peer's own timeout may be the shortest allowed. While it sends a long message, our pings are all that it receives,
 * so they must come well within that timeout.
 */
const LONGEST_INTERVAL_MS = 1_000;

export interface HeartbeatOptions {
  /** The peer is disconnected after this much silence at the latest, and after four fifths of it at the earliest. */
  readonly timeoutMs: number;
  /** Bytes received so far. Bytes count, not messages: a gradient takes long on a slow link. */
  readonly bytesHeard: () => number;
  /** Makes the other side answer. */
  readonly ping: () => void;
  /** Called once. */
  readonly onSilence: () => void;
}

/**
 * Counts checks, not time: a process that was frozen or busy itself has received data between any two checks, so it does
 * not mistake its own absence for the peer's.
 * @returns a function that stops the heartbeat
 */
export function startHeartbeat({ timeoutMs, bytesHeard, ping, onSilence }: HeartbeatOptions): () => void {
  const intervalMs = Math.min(timeoutMs / BEATS, LONGEST_INTERVAL_MS);
  // The check that sees the peer's last bytes may come a whole interval after them.
  const silentChecksAllowed = Math.ceil(timeoutMs / intervalMs) - 1;
  let heard = bytesHeard();
  let silentChecks = 0;
  const timer = setInterval(() => {
    const hearing = bytesHeard();
    silentChecks = hearing > heard ? 0 : silentChecks + 1;
    heard = hearing;
    if (silentChecks < silentChecksAllowed) return ping();
    clearInterval(timer);
    onSilence();
  }, intervalMs);
  return () => clearInterval(timer);
}
