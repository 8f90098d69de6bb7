/**
 * What a tab that computes is told of its run: the losses of the steps so far, as many as a plot can show. It has the weights
 * and the images anyway, so they are no secret from it.
 */

import type { RunEvent } from '../../coordinator/index.js';
import type { Subscriber } from '../events/subscriber.js';
import { History } from '../folders/history.js';
import type { TabLosses } from './api.js';

const MOST_POINTS = 200;
/** However many tabs ask, the file is read on at most so often. */
const READ_EVERY_MS = 2_000;

export class RunLosses implements Subscriber {
  readonly name = 'the page of tabs that compute';
  private history: History | undefined;
  private reading: Promise<void> | undefined;
  private readAtMs = -Infinity;

  on(event: RunEvent): void {
    if (event.event === 'run-started') this.history = new History(event.runDir, MOST_POINTS);
  }

  /** None while the run has no folder. */
  async list(): Promise<TabLosses> {
    const { history } = this;
    if (!history) return [];
    await this.readOn(history);
    return history.stepPoints.flatMap(({ step, loss }) => (loss === null ? [] : [[step, loss] as const]));
  }

  private async readOn(history: History): Promise<void> {
    const nowMs = performance.now();
    if (!this.reading && nowMs - this.readAtMs < READ_EVERY_MS) return;
    this.readAtMs = nowMs;
    this.reading ??= history.readOn().finally(() => (this.reading = undefined));
    await this.reading;
  }
}
