/** Plain lines, for logs and pipes: what stays, and a sign of life every few seconds. */

import type { DecodingProgress, DownloadProgress } from '../../data/index.js';
import { printableLines } from '../../foundation/printable.js';
import type { RunEvent } from '../../coordinator/index.js';
import type { Display } from './display.js';
import { Pace } from './pace.js';
import { Roster } from './roster.js';
import { duration, linesOf, rate, speed } from './text.js';

const SIGN_OF_LIFE_MS = 10_000;

export class PlainDisplay implements Display {
  private lastSignMs = performance.now();
  private readonly pace = new Pace();
  private readonly roster = new Roster();
  private lastPercent = -1;

  /** @param stamp what a message becomes before it is written */
  constructor(
    private readonly out: NodeJS.WritableStream,
    private readonly stamp: (message: string) => string = (message) => message,
  ) {}

  event(event: RunEvent): void {
    this.pace.event(event);
    this.roster.event(event);
    for (const line of linesOf(event)) this.say(event.event === 'epoch' ? line + this.timeLeft() : line);
    if (event.event === 'step' && performance.now() - this.lastSignMs > SIGN_OF_LIFE_MS) {
      this.say(
        `epoch ${event.epoch}/${this.pace.epochs}: step ${this.pace.stepInEpoch}/${this.pace.stepsOfEpoch}  ` +
          `loss ${event.loss.toFixed(4)}  lr ${rate(event.lr)}  ${speed(event.imagesPerSecond)}` +
          `${this.timeLeft()}  ${this.roster.text()}`,
      );
    }
    if (event.event !== 'checkpoint' && event.event !== 'step') this.lastSignMs = performance.now();
  }

  download(progress: DownloadProgress): void {
    if (progress.phase !== 'downloading') return this.say(`${progress.phase} …`);
    const done = Math.floor((10 * progress.receivedByteCount) / progress.totalByteCount);
    if (done === this.lastPercent) return;
    this.lastPercent = done;
    this.say(`downloading CIFAR-10: ${10 * done} % of ${Math.round(progress.totalByteCount / 1e6)} MB`);
  }

  decoding({ what, done, total }: DecodingProgress): void {
    const isOver = done === total;
    if (!isOver && performance.now() - this.lastSignMs < SIGN_OF_LIFE_MS) return;
    const share = Math.floor((100 * done) / total);
    this.say(
      `decoding ${what}: ${done.toLocaleString('en-US')} of ${total.toLocaleString('en-US')} (${share} %)`,
    );
  }

  say(message: string): void {
    this.lastSignMs = performance.now();
    this.out.write(`${this.stamp(printableLines(message))}\n`);
  }

  private timeLeft(): string {
    const seconds = this.pace.secondsLeftInRun;
    return seconds === undefined || seconds <= 0 ? '' : `  left ${duration(seconds)}`;
  }

  close(): void {
    // Every line is complete already.
  }
}
