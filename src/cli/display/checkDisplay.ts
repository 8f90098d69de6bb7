/** Findings as they come, by group; on a terminal with a line of what is being checked. */

import type { DownloadProgress } from '../../data/index.js';
import { printableLines } from '../../foundation/printable.js';
import type { CheckOutcome } from '../../session/index.js';
import { findingLines, outcomeLine } from './findings.js';
import type { FindingText } from './findings.js';
import { PassingLine } from './passingLine.js';
import type { LineStream } from './passingLine.js';
import { wrap } from './wrap.js';

const DEFAULT_COLUMNS = 80;

export interface ColourStream extends LineStream {
  hasColors?(): boolean;
}

export class CheckDisplay {
  private group: string | undefined;
  private readonly line: PassingLine;

  constructor(private readonly out: ColourStream) {
    this.line = new PassingLine(out);
  }

  say(text: string): void {
    this.write(wrap(printableLines(text), this.columns));
  }

  download(progress: DownloadProgress): void {
    this.line.show(progress.phase === 'downloading' ? 'downloading CIFAR-10 …' : `${progress.phase} …`);
  }

  start(name: string, place: number, total: number): void {
    this.line.show(`  ${place + 1}/${total}  ${name} …`);
  }

  finding(finding: FindingText): void {
    const heading = finding.group === this.group ? [] : ['', finding.group];
    this.group = finding.group;
    const colour = this.out.hasColors?.() === true && process.env['NO_COLOR'] === undefined;
    this.write([...heading, ...findingLines(finding, { columns: this.columns, colour })]);
  }

  outcome(outcome: CheckOutcome): void {
    this.write(['', ...wrap(outcomeLine(outcome), this.columns)]);
    if (outcome.saved.length > 0)
      this.write([`what the network sees: ${printableLines(outcome.saved.join(', '))}`]);
  }

  close(): void {
    this.line.clear();
  }

  private get columns(): number {
    return this.out.columns ?? DEFAULT_COLUMNS;
  }

  private write(lines: readonly string[]): void {
    this.line.clear();
    this.out.write(`${lines.join('\n')}\n`);
  }
}
