/** A worker's sign of life: what it has done in the last minute. */

import type { AnsweredItem } from '../../worker/index.js';
import { count } from '../../foundation/count.js';
import { speed } from './text.js';

const REPORT_EVERY_MS = 60_000;

export class WorkerReport {
  private items = 0;
  private images = 0;
  private newest: AnsweredItem | undefined;
  private startedMs = performance.now();
  private readonly timer: NodeJS.Timeout;

  constructor(private readonly say: (message: string) => void) {
    this.timer = setInterval(() => this.report(), REPORT_EVERY_MS);
    this.timer.unref();
  }

  readonly answered = (item: AnsweredItem): void => {
    this.items++;
    this.images += item.sampleCount;
    this.newest = item;
  };

  stop(): void {
    clearInterval(this.timer);
  }

  private report(): void {
    const { items, images, newest } = this;
    const seconds = (performance.now() - this.startedMs) / 1000;
    this.items = this.images = 0;
    this.startedMs = performance.now();
    if (items === 0 || newest === undefined) return this.say('no work in the last minute');
    const place = newest.kind === 'work' ? `step ${newest.step + 1}` : 'evaluation';
    this.say(`${place}: ${count(items, 'item')} in the last minute, ${speed(images / seconds)}`);
  }
}
