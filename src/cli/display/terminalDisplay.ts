/** A live line at the bottom of a terminal, under the lines that stay. */

import type { WriteStream } from 'node:tty';
import type { DownloadProgress } from '../../data/index.js';
import type { RunEvent } from '../../coordinator/index.js';
import type { Display } from './display.js';
import { count, duration, linesOf, percent, rate } from './text.js';

const REDRAW_MS = 100;
const BAR_CELLS = 24;
const CLEAR_LINE = '\r\u001b[2K';
/** Share of the newest step in the smoothed figures. */
const SMOOTHING = 0.1;

interface Started {
  readonly stepsPerEpoch: number;
  readonly epochs: number;
}

export class TerminalDisplay implements Display {
  private started: Started = { stepsPerEpoch: 1, epochs: 1 };
  private workers = 0;
  private smoothedStepMs: number | undefined;
  private smoothedLoss: number | undefined;
  private lastDrawMs = 0;
  private live = '';

  constructor(private readonly out: WriteStream) {}

  event(event: RunEvent): void {
    if (event.event === 'run-started') this.started = event;
    if (event.event === 'worker-joined' || event.event === 'worker-left') this.workers = event.workersNow;
    for (const line of linesOf(event)) this.say(line);
    if (event.event === 'step') this.showStep(event);
    if (event.event === 'epoch') this.smoothedLoss = undefined;
    if (event.event === 'run-finished') this.close();
  }

  download(progress: DownloadProgress): void {
    if (progress.phase !== 'downloading') return this.draw(`${progress.phase} …`);
    const { receivedByteCount, totalByteCount } = progress;
    const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(0);
    const text = `downloading CIFAR-10 ${bar(receivedByteCount / totalByteCount)} ${megabytes(receivedByteCount)}/${megabytes(totalByteCount)} MB`;
    if (this.isTimeToDraw()) this.draw(text);
  }

  say(message: string): void {
    const { live } = this;
    this.out.write(`${CLEAR_LINE}${message}\n`);
    this.draw(live);
  }

  close(): void {
    this.draw('');
  }

  private showStep(event: Extract<RunEvent, { event: 'step' }>): void {
    this.smoothedStepMs = smooth(this.smoothedStepMs, event.stepMs);
    this.smoothedLoss = smooth(this.smoothedLoss, event.loss);
    if (!this.isTimeToDraw()) return;
    const { stepsPerEpoch, epochs } = this.started;
    const inEpoch = event.step - (event.epoch - 1) * stepsPerEpoch;
    const leftInRun = ((epochs * stepsPerEpoch - event.step) * this.smoothedStepMs) / 1000;
    const leftInEpoch = ((stepsPerEpoch - inEpoch) * this.smoothedStepMs) / 1000;
    this.draw(
      `epoch ${event.epoch}/${epochs} ${bar(inEpoch / stepsPerEpoch)} ${percent(inEpoch / stepsPerEpoch)}  ` +
        `loss ${this.smoothedLoss.toFixed(3)}  lr ${rate(event.lr)}  ${(event.samples / (this.smoothedStepMs / 1000)).toFixed(0)} images/s  ` +
        `${count(this.workers, 'worker')}  left ${duration(leftInEpoch)} of the epoch, ${duration(leftInRun)} of the run`,
    );
  }

  private isTimeToDraw(): boolean {
    return performance.now() - this.lastDrawMs >= REDRAW_MS;
  }

  private draw(text: string): void {
    if (text === '' && this.live === '') return;
    this.live = text;
    this.lastDrawMs = performance.now();
    this.out.write(CLEAR_LINE + text.slice(0, Math.max(20, this.out.columns - 1)));
  }
}

function smooth(previous: number | undefined, value: number): number {
  return previous === undefined ? value : previous + SMOOTHING * (value - previous);
}

function bar(share: number): string {
  const full = Math.round(BAR_CELLS * Math.min(1, Math.max(0, share)));
  return '━'.repeat(full) + '─'.repeat(BAR_CELLS - full);
}
