/** How long a node's worker takes per sample: the median of its latest items. Affects who computes, never the result. */

const ITEMS_KEPT = 3;
/** A drop this large is not noise: the node has recovered, and its earlier times no longer count. */
const RECOVERED_FACTOR = 0.5;

export class Pace {
  private latest: number[] = [];
  private median: number | undefined;
  private measuredAt = -Infinity;

  /** @param durationMs the time that one worker took for `sampleCount` samples */
  add(durationMs: number, sampleCount: number, nowMs: number): void {
    const msPerSample = durationMs / sampleCount;
    if (this.median !== undefined && msPerSample < RECOVERED_FACTOR * this.median) this.latest = [];
    this.latest.push(msPerSample);
    if (this.latest.length > ITEMS_KEPT) this.latest.shift();
    this.median = [...this.latest].sort((a, b) => a - b)[this.latest.length >> 1];
    this.measuredAt = nowMs;
  }

  /** Undefined until an item has been measured. */
  get msPerSample(): number | undefined {
    return this.median;
  }

  /** When the last item was measured; minus infinity before the first. */
  get measuredAtMs(): number {
    return this.measuredAt;
  }
}
