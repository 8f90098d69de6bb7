/**
 * Sends a run's values to a tracker, from metrics.jsonl: the file is the queue. A tracker that cannot be reached is tried
 * again and again, with growing pauses; what a session could not send, a resumed one sends.
 */

import { describeError } from '../../foundation/errors.js';
import type { Subscriber } from '../events/subscriber.js';
import { BackgroundWork } from '../follow/backgroundWork.js';
import { scalarsOf } from '../follow/curves.js';
import { MetricsCursor } from '../follow/metricsCursor.js';
import type { MetricsLine } from '../folders/metricsLines.js';
import { numberOf } from '../folders/values.js';
import type { EndState, Measurement, TrackedRun, Tracker } from './tracker.js';

const SEND_EVERY_MS = 5_000;
const PAUSES = { firstMs: 2_000, longestMs: 300_000 };
const FINISH_MS = 10_000;

/** What a run folder keeps of a tracker. */
export interface TrackerMemory {
  readonly place: string;
  /** What the tracker calls the run. */
  readonly run: string;
  /** Steps and epochs up to these are there. */
  readonly sentStep: number;
  readonly sentEpoch: number;
}

export interface TrackerFeedOptions {
  readonly tracker: Tracker;
  readonly folder: string;
  readonly run: TrackedRun;
  readonly memory: TrackerMemory | undefined;
  readonly remember: (memory: TrackerMemory) => Promise<void>;
  readonly onProblem: (message: string) => void;
  readonly sendEveryMs?: number;
  readonly finishMs?: number;
}

export class TrackerFeed implements Subscriber {
  readonly name: string;
  private readonly cursor: MetricsCursor;
  private readonly work: BackgroundWork;
  private memory: TrackerMemory | undefined;
  private isDescribed = false;
  private lastStep = 0;
  private isEnding = false;
  /** As its last lines say; a run that fails has no line about it. */
  private endState: EndState = 'failed';

  constructor(private readonly options: TrackerFeedOptions) {
    const { tracker, folder, memory, sendEveryMs = SEND_EVERY_MS } = options;
    this.name = tracker.name;
    this.memory = memory?.place === tracker.place ? memory : undefined;
    this.cursor = new MetricsCursor(folder);
    this.work = new BackgroundWork({
      work: (signal) => this.send(signal),
      delayMs: sendEveryMs,
      pauses: PAUSES,
      onFailure: (error, isFirst) => {
        if (isFirst) options.onProblem(`${describeError(error)}; it is tried again. Training goes on`);
      },
    });
  }

  on(): void {
    this.work.wake();
  }

  /** Sends what is left; to be called while the folder is still held. */
  async finish(): Promise<void> {
    this.isEnding = true;
    if (await this.work.finish(this.options.finishMs ?? FINISH_MS)) return;
    this.options.onProblem(
      'not all values were sent; metrics.jsonl has them all, and a resumed run sends the rest',
    );
  }

  private async send(signal: AbortSignal): Promise<void> {
    const { tracker } = this.options;
    const id = await this.runThere(signal);
    for (;;) {
      const { lines, next } = await this.cursor.read();
      await this.log(id, lines, signal);
      if (!this.cursor.moveTo(next)) break;
    }
    if (this.isEnding) await tracker.end(id, this.endState, Date.now(), signal);
  }

  private async runThere(signal: AbortSignal): Promise<string> {
    const { tracker, run } = this.options;
    if (!this.memory) {
      const id = await tracker.begin(run, signal);
      await this.remember({ place: tracker.place, run: id, sentStep: 0, sentEpoch: 0 });
    }
    const { run: id } = this.memory!;
    if (!this.isDescribed) await tracker.describe(id, run, signal);
    this.isDescribed = true;
    return id;
  }

  private async log(id: string, lines: readonly MetricsLine[], signal: AbortSignal): Promise<void> {
    const measurements: Measurement[] = [];
    let { sentStep, sentEpoch } = this.memory!;
    for (const line of lines) {
      this.noteEnd(line);
      const curve = scalarsOf(line, this.lastStep);
      if (!curve) continue;
      this.lastStep = curve.moment.step;
      const [step, epoch] = [numberOf(line['step']) ?? 0, numberOf(line['epoch']) ?? 0];
      if (line['event'] === 'step' && step <= sentStep) continue; // computed again, to the same bits
      if (line['event'] === 'epoch' && epoch <= sentEpoch) continue;
      if (line['event'] === 'step') sentStep = step;
      if (line['event'] === 'epoch') sentEpoch = epoch;
      for (const [key, value] of curve.scalars) measurements.push({ key, value, ...curve.moment });
    }
    if (measurements.length === 0) return;
    await this.options.tracker.log(id, measurements, signal);
    await this.remember({ ...this.memory!, sentStep, sentEpoch });
  }

  private noteEnd({ event, stoppedBy }: MetricsLine): void {
    if (event === 'run-started') this.endState = 'failed';
    if (event === 'run-finished') this.endState = stoppedBy === 'signal' ? 'stopped' : 'finished';
  }

  /** Not in the folder, if there is no room: then a later session sends some values again. */
  private async remember(memory: TrackerMemory): Promise<void> {
    this.memory = memory;
    await this.options.remember(memory).catch(() => undefined);
  }
}
