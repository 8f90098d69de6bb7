/** How long an item usually takes: the median of the latest. Decides only who computes, never what. */

const REMEMBERED = 32;
const ENOUGH = 4;

export class ItemDurations {
  private readonly latestMs: number[] = [];

  add(durationMs: number): void {
    this.latestMs.push(durationMs);
    if (this.latestMs.length > REMEMBERED) this.latestMs.shift();
  }

  /** Undefined until a few items have been seen. */
  typicalMs(): number | undefined {
    if (this.latestMs.length < ENOUGH) return undefined;
    const sorted = [...this.latestMs].sort((a, b) => a - b);
    return sorted[Math.floor(sorted.length / 2)];
  }
}
