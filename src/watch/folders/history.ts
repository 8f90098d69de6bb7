/** The curves of a run: every epoch, and of the steps as many as a plot can show. */

import { metricsFileOf } from './findRuns.js';
import { BEGINNING, EPOCH_MARK, readLines, STEP_MARK } from './metricsLines.js';
import type { MetricsLine, Position } from './metricsLines.js';
import type { EpochPoint, Happening, StepPoint, WorkerShare } from './runData.js';
import { numberOf } from './values.js';
import { WorkerShares } from './workerShares.js';

/** Of steps that are read at once. A long run's curve is drawn from a sample of its steps: a plot cannot show them all. */
const MOST_PARSED_STEPS = 8000;
/** Beyond this the oldest are dropped. */
const MOST_HAPPENINGS = 500;

/**
 * Epochs only: found without parsing the steps between them.
 * @returns none for a run that has written nothing yet
 */
export async function readEpochs(folder: string): Promise<readonly EpochPoint[]> {
  const epochs: EpochPoint[] = [];
  const onLine = (line: MetricsLine): void => {
    const point = epochPoint(line);
    if (point) epochs.push(point);
  };
  try {
    await readLines(metricsFileOf(folder), { containing: EPOCH_MARK, onLine });
  } catch {
    // No file yet.
  }
  return epochs;
}

/** Collects a run's lines as they are read; holds a bounded number of points however long the run is. */
export class History {
  epochs: EpochPoint[] = [];
  happenings: Happening[] = [];
  private steps: StepSeries;
  private readonly workerShares = new WorkerShares();
  private position: Position = BEGINNING;

  /** @param mostSteps points that are kept of the steps; 0: steps are not read, which is many times as fast */
  constructor(
    private readonly folder: string,
    private readonly mostSteps: number,
  ) {
    this.steps = new StepSeries(mostSteps);
  }

  get stepPoints(): readonly StepPoint[] {
    return this.steps.points();
  }

  /** Who takes or took part. */
  get workers(): readonly WorkerShare[] {
    return this.workerShares.list();
  }

  /**
   * Reads what was written since the last call. A resumed run takes lines out of its file; then all is read again.
   * Nothing happens while there is no file.
   */
  async readOn(): Promise<void> {
    try {
      this.position = await readLines(metricsFileOf(this.folder), {
        from: this.position,
        sampling: { mark: STEP_MARK, mostLines: this.mostSteps === 0 ? 0 : MOST_PARSED_STEPS },
        onLine: (line, stands) => this.add(line, stands),
        onRewritten: () => this.forget(),
      });
    } catch {
      // No file yet, or none that this user may read: there is nothing to show.
    }
  }

  private forget(): void {
    this.epochs = [];
    this.happenings = [];
    this.workerShares.forget();
    this.steps = new StepSeries(this.mostSteps);
  }

  private add(line: MetricsLine, stands: number): void {
    this.workerShares.add(line);
    switch (line['event']) {
      case 'step':
        if (this.mostSteps > 0) this.steps.add(line, stands);
        return;
      case 'epoch': {
        const point = epochPoint(line);
        if (point) this.epochs.push(point);
        return;
      }
      case 'checkpoint':
        return;
      default: {
        const time = typeof line['time'] === 'string' ? line['time'] : null;
        this.happenings.push({ time, line });
        if (this.happenings.length > MOST_HAPPENINGS) this.happenings.shift();
      }
    }
  }
}

const STEP_FIELDS = ['lr', 'loss', 'accuracy', 'imagesPerSecond'] as const;
type StepField = (typeof STEP_FIELDS)[number];

interface Bucket {
  step: number;
  steps: number;
  readonly sums: Record<StepField, number>;
  readonly counts: Record<StepField, number>;
}

/** When it is full, each two neighbours become one: a run of any length keeps between half of `most` and `most` points. */
class StepSeries {
  private buckets: Bucket[] = [];
  private stepsPerBucket = 1;

  constructor(private readonly most: number) {}

  /** @param stands for how many steps the line stands, of which it is the last */
  add(line: MetricsLine, stands: number): void {
    const step = numberOf(line['step']);
    if (step === null) return;
    // Buckets of about the same length, however the steps were read.
    while (this.stepsPerBucket < stands) this.halve();
    let last = this.buckets.at(-1);
    if (!last || last.steps >= this.stepsPerBucket) {
      if (this.buckets.length >= this.most) this.halve();
      last = this.buckets.at(-1);
      if (!last || last.steps >= this.stepsPerBucket) {
        last = emptyBucket();
        this.buckets.push(last);
      }
    }
    last.step = step;
    last.steps += stands;
    for (const field of STEP_FIELDS) {
      const value = numberOf(line[field]);
      if (value === null) continue;
      last.sums[field] += stands * value;
      last.counts[field] += stands;
    }
  }

  points(): readonly StepPoint[] {
    return this.buckets.map(({ step, steps, sums, counts }) => {
      const mean = (field: StepField): number | null =>
        counts[field] === 0 ? null : sums[field] / counts[field];
      return {
        step,
        steps,
        lr: mean('lr'),
        loss: mean('loss'),
        accuracy: mean('accuracy'),
        imagesPerSecond: mean('imagesPerSecond'),
      };
    });
  }

  private halve(): void {
    const halved: Bucket[] = [];
    for (let index = 0; index < this.buckets.length; index += 2) {
      const [first, second] = [this.buckets[index]!, this.buckets[index + 1]];
      if (second) {
        first.step = second.step;
        first.steps += second.steps;
        for (const field of STEP_FIELDS) {
          first.sums[field] += second.sums[field];
          first.counts[field] += second.counts[field];
        }
      }
      halved.push(first);
    }
    this.buckets = halved;
    this.stepsPerBucket *= 2;
  }
}

function emptyBucket(): Bucket {
  const zeros = (): Record<StepField, number> => ({ lr: 0, loss: 0, accuracy: 0, imagesPerSecond: 0 });
  return { step: 0, steps: 0, sums: zeros(), counts: zeros() };
}

function epochPoint(line: MetricsLine): EpochPoint | undefined {
  const epoch = numberOf(line['epoch']);
  const step = numberOf(line['step']);
  if (line['event'] !== 'epoch' || epoch === null || step === null) return undefined;
  const digest = line['weightsSha256'];
  return {
    epoch,
    step,
    lr: numberOf(line['lr']),
    trainLoss: numberOf(line['trainLoss']),
    trainAccuracy: numberOf(line['trainAccuracy']),
    validationLoss: numberOf(line['validationLoss']),
    validationAccuracy: numberOf(line['validationAccuracy']),
    imagesPerSecond: numberOf(line['imagesPerSecond']),
    wallSeconds: numberOf(line['wallSeconds']),
    best: line['best'] === true,
    weightsSha256: typeof digest === 'string' ? digest : null,
  };
}
