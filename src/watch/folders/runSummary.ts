/** What one run folder says of its run, in a few numbers: a row of the table of runs. */

import { statSync } from 'node:fs';
import path from 'node:path';
import { occupancyOf } from '../../coordinator/index.js';
import { printable } from '../../foundation/printable.js';
import { Evaluations } from './evaluations.js';
import { metricsFileOf } from './findRuns.js';
import { liveProgress } from './liveProgress.js';
import { BEGINNING, EPOCH_MARK, readLines } from './metricsLines.js';
import type { MetricsLine, Position } from './metricsLines.js';
import type { RunState, RunSummary } from './runData.js';
import { SmallJson } from './smallJson.js';
import type { Json } from './smallJson.js';
import { numberOf } from './values.js';

const LONGEST_TEXT = 200;

/** The summary of one run: reads on where it stopped each time it is asked, so that a long file is read once. */
export class RunSummariser {
  private readonly epochs: EpochReader;
  private readonly config: SmallJson;
  private readonly result: SmallJson;
  readonly evaluations: Evaluations;

  constructor(private readonly folder: string) {
    this.epochs = new EpochReader(folder);
    this.config = new SmallJson(path.join(folder, 'config.json'), [
      'model',
      'dataset',
      'seed',
      'epochs',
      'maxSteps',
    ]);
    this.result = new SmallJson(path.join(folder, 'result.json'));
    this.evaluations = new Evaluations(folder);
  }

  /**
   * Reads what is there; a file that is missing or damaged leaves its numbers null.
   * @param hasEnded the run has ended, even if its folder is still locked
   */
  async summarise(hasEnded = false): Promise<RunSummary> {
    const { folder } = this;
    const config = this.config.read();
    const result = this.result.read();
    const state = stateOf(folder, result, hasEnded);
    // A result that a resumed run has left behind tells of its past.
    const isRunning = state === 'running';
    const progress = (isRunning ? undefined : result) ?? (await this.epochs.progress());
    const epochs = numberOf(config?.['epochs']);
    const live = isRunning
      ? await liveProgress(folder, { epochs, maxSteps: numberOf(config?.['maxSteps']) }, this.epochs.last)
      : undefined;
    const latestEvaluation = (await this.evaluations.list())[0] ?? null;
    return {
      folder,
      name: printable(path.basename(path.resolve(folder)), LONGEST_TEXT),
      state,
      stoppedBy: isRunning ? null : textOf(result?.['stoppedBy']),
      model: textOf(config?.['model']),
      dataset: textOf(config?.['dataset']),
      seed: numberOf(config?.['seed']),
      epochs,
      epochsCompleted: numberOf(progress['epochsCompleted']) ?? 0,
      stepsCompleted: live?.step ?? numberOf(progress['stepsCompleted']) ?? 0,
      steps: live?.steps ?? null,
      secondsLeft: live?.secondsLeft ?? null,
      recentLoss: live?.loss ?? null,
      recentAccuracy: live?.accuracy ?? null,
      bestEpoch: numberOf(progress['bestEpoch']),
      bestValidationAccuracy: numberOf(progress['bestValidationAccuracy']),
      testAccuracy: numberOf(progress['testAccuracy']) ?? (await this.evaluated(latestEvaluation, progress)),
      latestEvaluation,
      imagesPerSecond: live?.imagesPerSecond ?? numberOf(progress['imagesPerSecond']),
      wallSeconds: numberOf(progress['wallSeconds']),
      exact: typeof result?.['exact'] === 'boolean' ? result['exact'] : null,
      weightsSha256: textOf(progress['weightsSha256']),
      updatedAt: updatedAt(folder),
    };
  }

  /** The test accuracy of the final weights, if it was these that were evaluated last. */
  private async evaluated(name: string | null, progress: Json): Promise<number | null> {
    const evaluation = name === null ? undefined : await this.evaluations.read(name);
    const isOfThese = evaluation?.weightsSha256 === progress['weightsSha256'];
    return evaluation && isOfThese ? evaluation.testAccuracy : null;
  }
}

export function summariseRun(folder: string): Promise<RunSummary> {
  return new RunSummariser(folder).summarise();
}

function stateOf(folder: string, result: Json | undefined, hasEnded: boolean): RunState {
  try {
    const occupancy = occupancyOf(folder);
    if (occupancy === 'working' && !(hasEnded && result)) return 'running';
    if (result) return result['stoppedBy'] === 'signal' ? 'stopped' : 'finished';
    return occupancy === 'unknown' ? 'unknown' : 'interrupted';
  } catch {
    return 'unknown'; // a folder that this user may not read
  }
}

/** The progress of a run without result: from its epochs, which are found without parsing the steps between them. */
class EpochReader {
  private position: Position = BEGINNING;
  last: MetricsLine = {};
  private best: MetricsLine = {};

  constructor(private readonly folder: string) {}

  async progress(): Promise<Json> {
    try {
      this.position = await readLines(metricsFileOf(this.folder), {
        from: this.position,
        containing: EPOCH_MARK,
        onLine: (line) => this.add(line),
        onRewritten: () => this.forget(),
      });
    } catch {
      // No metrics yet.
    }
    return {
      epochsCompleted: this.last['epoch'],
      stepsCompleted: this.last['step'],
      imagesPerSecond: this.last['imagesPerSecond'],
      wallSeconds: this.last['wallSeconds'],
      weightsSha256: this.last['weightsSha256'],
      bestEpoch: this.best['epoch'],
      bestValidationAccuracy: this.best['validationAccuracy'],
    };
  }

  private add(line: MetricsLine): void {
    if (line['event'] !== 'epoch') return;
    this.last = line;
    if (line['best'] === true) this.best = line;
  }

  private forget(): void {
    this.last = {};
    this.best = {};
  }
}

function updatedAt(folder: string): string | null {
  const times = [
    metricsFileOf(folder),
    path.join(folder, 'result.json'),
    path.join(folder, 'config.json'),
  ].map((file) => statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0);
  const latest = Math.max(...times);
  return latest === 0 ? null : new Date(latest).toISOString();
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' ? printable(value, LONGEST_TEXT) : null;
}
