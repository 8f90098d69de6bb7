/**
 * Writes the TensorBoard event files of a run, beside its training. The source is metrics.jsonl: whatever a kill, a full disk
 * or a session without TensorBoard has left out is filled in later.
 */

import { describeError } from '../../foundation/errors.js';
import { encodePng } from '../../foundation/png.js';
import type { RunEvent } from '../../coordinator/index.js';
import type { Subscriber } from '../events/subscriber.js';
import { BackgroundWork } from '../follow/backgroundWork.js';
import type { MetricsLine } from '../folders/metricsLines.js';
import { continueFiles } from './continueFiles.js';
import type { Continuation } from './continueFiles.js';
import { EventFile } from './eventFiles.js';
import { hparamsEvent, imageEvent, scalarsEvent, sessionStartEvent } from './eventMessages.js';
import type { HParams } from './eventMessages.js';
import { firstFilters } from './firstFilters.js';
import { MisclassifiedImages } from './misclassified.js';
import { scalarsOf } from '../follow/curves.js';
import type { Moment } from '../follow/curves.js';

const WRITE_EVERY_MS = 1_000;
const PAUSES = { firstMs: 1_000, longestMs: 60_000 };
const FINISH_MS = 5_000;
/** TensorBoard shows ten pictures of a series. */
const PICTURE_EVERY_MS = 60_000;

export interface TensorBoardOptions {
  readonly folder: string;
  readonly runName: string;
  readonly hparams: HParams;
  /** Throws if another process works in the folder now. */
  readonly checkHeld: () => void;
  readonly onProblem: (message: string) => void;
}

/** A checkpoint whose filters are to be shown. */
interface Saved {
  readonly file: string;
  readonly moment: Moment;
}

export class TensorBoardRecorder implements Subscriber {
  readonly name = 'TensorBoard';
  private readonly work: BackgroundWork;
  private file: EventFile | undefined;
  private lastStep: number;
  /** The last step of each epoch that this session has written. */
  private readonly stepsOfEpochs = new Map<number, number>();
  private saved: Saved | undefined;
  private lastPictureMs = -Infinity;
  private isLost = false;

  private constructor(
    private readonly options: TensorBoardOptions,
    private readonly before: Continuation,
    private readonly misclassified: MisclassifiedImages,
  ) {
    this.lastStep = before.lastStep;
    this.work = new BackgroundWork({
      work: () => this.catchUp(),
      delayMs: WRITE_EVERY_MS,
      pauses: PAUSES,
      onFailure: (error, isFirst) => {
        if (isFirst && !this.isLost) options.onProblem(describeError(error));
      },
    });
  }

  /** To be called before the session writes to metrics.jsonl. @throws the error of the file system */
  static async open(options: TensorBoardOptions): Promise<TensorBoardRecorder> {
    const misclassified = await MisclassifiedImages.open(options.folder);
    return new TensorBoardRecorder(options, await continueFiles(options.folder), misclassified);
  }

  on(event: RunEvent, timeMs: number): void {
    if (event.event === 'checkpoint') this.noteCheckpoint(event, timeMs);
    this.work.wake();
  }

  /** Writes the last events; to be called while the folder is still held. */
  async finish(): Promise<void> {
    this.lastPictureMs = -Infinity;
    if (!(await this.work.finish(FINISH_MS)) && !this.isLost) {
      this.options.onProblem(`the last events are not written; the next session writes them`);
    }
    await this.file?.close();
  }

  private noteCheckpoint({ step, file }: Extract<RunEvent, { event: 'checkpoint' }>, timeMs: number): void {
    this.saved = { file, moment: { timeMs, step } };
  }

  private async catchUp(): Promise<void> {
    const { cursor } = this.before;
    for (;;) {
      const { lines, next } = await cursor.read();
      await this.write(lines);
      if (!cursor.moveTo(next)) break;
    }
    await this.writePicture();
    await this.writeMisclassified();
  }

  private async write(lines: readonly MetricsLine[]): Promise<void> {
    const events: Uint8Array[] = [];
    let { lastStep } = this;
    for (const line of lines) {
      const curve = scalarsOf(line, lastStep);
      if (!curve) continue;
      lastStep = curve.moment.step;
      if (line['event'] === 'epoch') this.stepsOfEpochs.set(Number(line['epoch']), lastStep);
      events.push(scalarsEvent(curve.moment, curve.scalars));
    }
    await this.append(events);
    this.lastStep = lastStep;
  }

  private async append(events: readonly Uint8Array[]): Promise<void> {
    if (events.length === 0) return;
    this.checkHeld();
    this.file ??= await this.begin();
    await this.file.append(events);
  }

  private begin(): Promise<EventFile> {
    const { folder, runName, hparams } = this.options;
    const { isResumed, lastStep, hasHparams } = this.before;
    const timeMs = Date.now();
    return EventFile.create(folder, timeMs, [
      ...(isResumed ? [sessionStartEvent({ timeMs, step: lastStep === 0 ? 0 : lastStep + 1 })] : []),
      ...(hasHparams ? [] : [hparamsEvent(timeMs, runName, hparams)]),
    ]);
  }

  private checkHeld(): void {
    try {
      this.options.checkHeld();
    } catch (error) {
      this.isLost = true;
      this.work.stop();
      throw error;
    }
  }

  private async writePicture(): Promise<void> {
    const { saved } = this;
    const nowMs = performance.now();
    if (!saved || nowMs < this.lastPictureMs + PICTURE_EVERY_MS) return;
    this.saved = undefined;
    this.lastPictureMs = nowMs;
    // None if another checkpoint is about to take its place: a picture is no reason to complain.
    const picture = await firstFilters(saved.file);
    if (!picture) return;
    const png = encodePng(picture);
    await this.append([imageEvent(saved.moment, { ...picture, tag: 'filters/first_layer', png })]);
  }

  /** Of an evaluation that another process has made meanwhile, or after an earlier session. */
  private async writeMisclassified(): Promise<void> {
    const found = await this.misclassified.next();
    if (!found) return;
    const step = this.stepsOfEpochs.get(found.epoch) ?? this.lastStep;
    await this.append(found.images.map((image) => imageEvent({ timeMs: found.timeMs, step }, image)));
  }
}
