/** What this tab has computed, counted for people. */

import type { Welcome } from '../../protocol/pages.js';
import type { AnsweredItem } from '../../worker/pages.js';

export interface Point {
  readonly step: number;
  /** A mean: of this tab, over the images that it computed from that step on up to the next point. */
  readonly loss: number;
}

/** The rate is that of the last seconds. */
const RATE_WINDOW_MS = 15_000;
/** With twice as many points, neighbours are merged. */
const MOST_POINTS = 300;

interface Sum {
  step: number;
  lossSum: number;
  samples: number;
}

export class Tally {
  images = 0;
  items = 0;
  /** The newest that was worked on. */
  step: number | undefined;
  /** Of the run, as it was told. */
  length: Welcome['length'];
  private firstStep: number | undefined;
  private trained = 0;
  /** The highest rate since it began. */
  private best = 0;
  private recent: { readonly atMs: number; readonly images: number }[] = [];
  private sinceMs = performance.now();
  private sums: Sum[] = [];

  /** From now on there is work: time before does not count. */
  begin(length: Welcome['length']): void {
    this.length = length;
    this.recent = [];
    this.best = 0;
    this.sinceMs = performance.now();
  }

  add(item: AnsweredItem): void {
    this.images += item.sampleCount;
    this.items++;
    this.recent.push({ atMs: performance.now(), images: item.sampleCount });
    if (item.kind !== 'work') return;
    this.step = item.step;
    this.firstStep ??= item.step;
    this.trained += item.sampleCount;
    const last = this.sums.at(-1);
    if (last?.step === item.step) {
      last.lossSum += item.lossSum;
      last.samples += item.sampleCount;
    } else {
      this.sums.push({ step: item.step, lossSum: item.lossSum, samples: item.sampleCount });
      if (this.sums.length > 2 * MOST_POINTS) this.sums = inPairs(this.sums);
    }
  }

  /** Undefined until there is enough to tell. */
  imagesPerSecond(): number | undefined {
    const nowMs = performance.now();
    this.recent = this.recent.filter(({ atMs }) => nowMs - atMs < RATE_WINDOW_MS);
    const overMs = Math.min(RATE_WINDOW_MS, nowMs - this.sinceMs);
    if (overMs < 1000) return undefined;
    const rate = (1000 * this.recent.reduce((sum, { images }) => sum + images, 0)) / overMs;
    if (overMs === RATE_WINDOW_MS) this.best = Math.max(this.best, rate);
    return rate;
  }

  /** A rate as a part of the highest so far. A browser does not tell how hot a device is; it computes more slowly then. */
  partOfBest(rate: number): number {
    return this.best === 0 ? 1 : rate / this.best;
  }

  /** Of the images of all steps since this tab's first, how many it computed: from 0 to 1. A step in progress counts whole. */
  share(): number | undefined {
    const { firstStep, step, length } = this;
    if (firstStep === undefined || step === undefined || !length) return undefined;
    return Math.min(1, this.trained / ((step - firstStep + 1) * length.samplesPerStep));
  }

  curve(): readonly Point[] {
    return this.sums.map(({ step, lossSum, samples }) => ({ step, loss: lossSum / samples }));
  }
}

function inPairs(sums: readonly Sum[]): Sum[] {
  const merged: Sum[] = [];
  for (let index = 0; index < sums.length; index += 2) {
    const [first, second] = [sums[index]!, sums[index + 1]];
    merged.push({
      step: first.step,
      lossSum: first.lossSum + (second?.lossSum ?? 0),
      samples: first.samples + (second?.samples ?? 0),
    });
  }
  return merged;
}
