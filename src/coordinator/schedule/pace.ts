/** How long one node's worker takes for a sample: the median of the latest items. Decides who computes, never what. */

const REMEMBERED = 3;
/** So much less than before is no chance: the node has recovered, and what was known of it counts no more. */
const RECOVERED_FACTOR = 0.5;

export class Pace {
  private latest: number[] = [];
  private median: number | undefined;
  private measuredAt = -Infinity;

  /** @param durationMs time that one worker took for `sampleCount` samples */
  add(durationMs: number, sampleCount: number, nowMs: number): void {
    const msPerSample = durationMs / sampleCount;
    if (this.median !== undefined && msPerSample < RECOVERED_FACTOR * this.median) this.latest = [];
    this.latest.push(msPerSample);
    if (this.latest.length > REMEMBERED) this.latest.shift();
    this.median = [...this.latest].sort((a, b) => a - b)[this.latest.length >> 1];
    this.measuredAt = nowMs;
  }

  /** Undefined until an item has been seen. */
  get msPerSample(): number | undefined {
    return this.median;
  }

  /** When the last item was measured; minus infinity if none ever was. */
  get measuredAtMs(): number {
    return this.measuredAt;
  }
}
