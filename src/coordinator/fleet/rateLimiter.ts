/** Limits how often something may happen, for each key and for all keys together: token buckets. */

export interface RateLimit {
  /** The largest burst. */
  readonly atOnce: number;
  readonly perMinute: number;
}

/** Peers choose keys freely. A key that is dropped starts with a full bucket again; the common limit still holds. */
const MAX_KEYS = 1024;

export class RateLimiter {
  private readonly buckets = new Map<string, Bucket>();
  private readonly common: Bucket;

  constructor(
    private readonly ofEach: RateLimit,
    ofAll: RateLimit,
  ) {
    this.common = new Bucket(ofAll);
  }

  /** @returns whether it may happen once more for this key now */
  take(key: string, nowMs: number): boolean {
    const bucket = this.buckets.get(key) ?? new Bucket(this.ofEach);
    this.buckets.delete(key);
    this.buckets.set(key, bucket);
    if (this.buckets.size > MAX_KEYS) this.buckets.delete(this.buckets.keys().next().value!);
    return bucket.take(nowMs) && this.common.take(nowMs);
  }
}

class Bucket {
  private left: number;
  private filledMs: number | undefined;

  constructor(private readonly limit: RateLimit) {
    this.left = limit.atOnce;
  }

  take(nowMs: number): boolean {
    const { atOnce, perMinute } = this.limit;
    const earned = ((nowMs - (this.filledMs ?? nowMs)) / 60_000) * perMinute;
    this.filledMs = nowMs;
    this.left = Math.min(atOnce, this.left + earned);
    if (this.left < 1) return false;
    this.left--;
    return true;
  }
}
