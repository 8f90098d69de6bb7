/** A live line at the bottom of a terminal, under the lines that stay. */

import type { WriteStream } from 'node:tty';
import type { DecodingProgress, DownloadProgress } from '../../data/index.js';
import type { RunEvent } from '../../coordinator/index.js';
import type { Display } from './display.js';
import { bar, LiveLine } from './liveLine.js';
import { Pace } from './pace.js';
import { Roster } from './roster.js';
import { duration, linesOf, percent, rate, speed } from './text.js';

export class TerminalDisplay implements Display {
  private readonly pace = new Pace();
  private readonly roster = new Roster();
  private readonly line: LiveLine;

  constructor(out: WriteStream) {
    this.line = new LiveLine(out);
  }

  event(event: RunEvent): void {
    this.pace.event(event);
    this.roster.event(event);
    for (const line of linesOf(event)) this.say(line);
    if (event.event === 'step') this.showStep(event);
    if (event.event === 'run-finished') this.close();
  }

  download(progress: DownloadProgress): void {
    if (progress.phase !== 'downloading') return this.line.draw(`${progress.phase} …`);
    const { receivedByteCount, totalByteCount } = progress;
    const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(0);
    const text = `downloading CIFAR-10 ${bar(receivedByteCount / totalByteCount)} ${megabytes(receivedByteCount)}/${megabytes(totalByteCount)} MB`;
    if (this.line.isTimeToDraw) this.line.draw(text);
  }

  decoding({ what, done, total }: DecodingProgress): void {
    if (done === total) return this.line.clear();
    const [some, all] = [done, total].map((value) => value.toLocaleString('en-US'));
    if (this.line.isTimeToDraw) this.line.draw(`decoding ${what} ${bar(done / total)} ${some}/${all}`);
  }

  say(message: string): void {
    this.line.say(message);
  }

  close(): void {
    this.line.clear();
  }

  private showStep({ epoch, lr, samples }: Extract<RunEvent, { event: 'step' }>): void {
    if (!this.line.isTimeToDraw) return;
    const { pace } = this;
    const share = pace.stepInEpoch / pace.stepsOfEpoch;
    const [ofEpoch, ofRun] = [pace.secondsLeftInEpoch ?? 0, pace.secondsLeftInRun ?? 0].map(duration);
    // What matters most comes first: a narrow terminal cuts the end off.
    this.line.draw(
      `epoch ${epoch}/${pace.epochs} ${bar(share)} ${(100 * share).toFixed(0)} %  ` +
        `loss ${pace.loss.toFixed(3)} acc ${percent(pace.accuracy)}  left ${ofRun} (epoch ${ofEpoch})  ` +
        `${this.roster.text()}  ${speed(pace.imagesPerSecond(samples))}  lr ${rate(lr)}`,
    );
  }
}
