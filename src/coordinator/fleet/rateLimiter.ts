/** Lets so many things through at once and so many a minute, for each key and for all together: token buckets. */

export interface Ration {
  readonly atOnce: number;
  readonly perMinute: number;
}

/** Keys are free to invent. One that is forgotten has its whole ration again, which the common one bounds. */
const REMEMBERED_KEYS = 1024;

export class Rations {
  private readonly buckets = new Map<string, Bucket>();
  private readonly common: Bucket;

  constructor(
    private readonly ofEach: Ration,
    ofAll: Ration,
  ) {
    this.common = new Bucket(ofAll);
  }

  /** @returns whether one more thing of this key may pass now */
  take(key: string, nowMs: number): boolean {
    const bucket = this.buckets.get(key) ?? new Bucket(this.ofEach);
    this.buckets.delete(key);
    this.buckets.set(key, bucket);
    if (this.buckets.size > REMEMBERED_KEYS) this.buckets.delete(this.buckets.keys().next().value!);
    return bucket.take(nowMs) && this.common.take(nowMs);
  }
}

class Bucket {
  private left: number;
  private filledMs: number | undefined;

  constructor(private readonly ration: Ration) {
    this.left = ration.atOnce;
  }

  take(nowMs: number): boolean {
    const { atOnce, perMinute } = this.ration;
    const earned = ((nowMs - (this.filledMs ?? nowMs)) / 60_000) * perMinute;
    this.filledMs = nowMs;
    this.left = Math.min(atOnce, this.left + earned);
    if (this.left < 1) return false;
    this.left--;
    return true;
  }
}
