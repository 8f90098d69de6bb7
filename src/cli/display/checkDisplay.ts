/** Findings as they come, by group; on a terminal with a line of what is being checked. */

import type { Finding } from '../../check/index.js';
import type { DownloadProgress } from '../../data/index.js';
import { printableLines } from '../../foundation/printable.js';
import type { CheckOutcome } from '../../session/index.js';
import { findingLines, outcomeLine } from './findings.js';
import { wrap } from './wrap.js';

const CLEAR_LINE = '\r\u001b[2K';
const DEFAULT_COLUMNS = 80;

export interface TerminalStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
  hasColors?(): boolean;
}

export class CheckDisplay {
  private group: string | undefined;
  private readonly isLive: boolean;

  constructor(private readonly out: TerminalStream) {
    this.isLive = out.isTTY === true && process.env['TERM'] !== 'dumb';
  }

  say(text: string): void {
    this.write(wrap(printableLines(text), this.columns));
  }

  download(progress: DownloadProgress): void {
    this.live(progress.phase === 'downloading' ? 'downloading CIFAR-10 …' : `${progress.phase} …`);
  }

  start(name: string, place: number, total: number): void {
    this.live(`  ${place + 1}/${total}  ${name} …`);
  }

  finding(finding: Finding): void {
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
    this.live('');
  }

  private get columns(): number {
    return this.out.columns ?? DEFAULT_COLUMNS;
  }

  private live(text: string): void {
    if (this.isLive) this.out.write(CLEAR_LINE + text.slice(0, this.columns - 1));
  }

  private write(lines: readonly string[]): void {
    this.out.write(`${this.isLive ? CLEAR_LINE : ''}${lines.join('\n')}\n`);
  }
}
