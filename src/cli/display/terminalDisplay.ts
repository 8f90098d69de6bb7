/** A live line at the bottom of a terminal, under the lines that stay. */

import type { WriteStream } from 'node:tty';
import type { DecodingProgress, DownloadProgress } from '../../data/index.js';
import { printableLines } from '../../foundation/printable.js';
import type { RunEvent } from '../../coordinator/index.js';
import { cutToColumns } from './columns.js';
import type { Display } from './display.js';
import { Pace } from './pace.js';
import { Roster } from './roster.js';
import { duration, linesOf, percent, rate, speed } from './text.js';

const REDRAW_MS = 100;
const BAR_CELLS = 12;
/** Where the terminal does not tell its width. */
const DEFAULT_COLUMNS = 80;
const CLEAR_LINE = '\r\u001b[2K';

export class TerminalDisplay implements Display {
  private readonly pace = new Pace();
  private readonly roster = new Roster();
  private lastDrawMs = 0;
  private live = '';

  constructor(private readonly out: WriteStream) {}

  event(event: RunEvent): void {
    this.pace.event(event);
    this.roster.event(event);
    for (const line of linesOf(event)) this.say(line);
    if (event.event === 'step') this.showStep(event);
    if (event.event === 'run-finished') this.close();
  }

  download(progress: DownloadProgress): void {
    if (progress.phase !== 'downloading') return this.draw(`${progress.phase} …`);
    const { receivedByteCount, totalByteCount } = progress;
    const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(0);
    const text = `downloading CIFAR-10 ${bar(receivedByteCount / totalByteCount)} ${megabytes(receivedByteCount)}/${megabytes(totalByteCount)} MB`;
    if (this.isTimeToDraw()) this.draw(text);
  }

  decoding({ what, done, total }: DecodingProgress): void {
    if (done === total) return this.draw('');
    const [some, all] = [done, total].map((value) => value.toLocaleString('en-US'));
    if (this.isTimeToDraw()) this.draw(`decoding ${what} ${bar(done / total)} ${some}/${all}`);
  }

  say(message: string): void {
    const { live } = this;
    this.out.write(`${CLEAR_LINE}${printableLines(message)}\n`);
    this.draw(live);
  }

  close(): void {
    this.draw('');
  }

  private showStep({ epoch, lr, samples }: Extract<RunEvent, { event: 'step' }>): void {
    if (!this.isTimeToDraw()) return;
    const { pace } = this;
    const share = pace.stepInEpoch / pace.stepsPerEpoch;
    const [ofEpoch, ofRun] = [pace.secondsLeftInEpoch ?? 0, pace.secondsLeftInRun ?? 0].map(duration);
    // What matters most comes first: a narrow terminal cuts the end off.
    this.draw(
      `epoch ${epoch}/${pace.epochs} ${bar(share)} ${(100 * share).toFixed(0)} %  ` +
        `loss ${pace.loss.toFixed(3)} acc ${percent(pace.accuracy)}  left ${ofRun} (epoch ${ofEpoch})  ` +
        `${this.roster.text()}  ${speed(pace.imagesPerSecond(samples))}  lr ${rate(lr)}`,
    );
  }

  private isTimeToDraw(): boolean {
    return performance.now() - this.lastDrawMs >= REDRAW_MS;
  }

  private draw(text: string): void {
    if (text === '' && this.live === '') return;
    this.live = text;
    this.lastDrawMs = performance.now();
    const columns = Math.max(20, (this.out.columns || DEFAULT_COLUMNS) - 1);
    this.out.write(CLEAR_LINE + cutToColumns(printableLines(text), columns)); // a line that wraps could not be cleared
  }
}

function bar(share: number): string {
  const full = Math.round(BAR_CELLS * Math.min(1, Math.max(0, share)));
  return '━'.repeat(full) + '─'.repeat(BAR_CELLS - full);
}
