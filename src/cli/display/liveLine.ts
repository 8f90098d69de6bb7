/** A line that is written over, on a terminal; nothing elsewhere. */

import { printableLines } from '../../foundation/printable.js';
import { cutToColumns } from './columns.js';

const CLEAR_LINE = '\r\u001b[2K';
const DEFAULT_COLUMNS = 80;

export interface LineStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

export class LiveLine {
  private readonly isLive: boolean;
  private isShown = false;

  constructor(
    private readonly out: LineStream,
    wanted = true,
  ) {
    this.isLive = wanted && out.isTTY === true && process.env['TERM'] !== 'dumb';
  }

  show(text: string): void {
    if (!this.isLive) return;
    this.isShown = true;
    this.out.write(
      CLEAR_LINE + cutToColumns(printableLines(text), (this.out.columns ?? DEFAULT_COLUMNS) - 1),
    );
  }

  clear(): void {
    if (this.isShown) this.out.write(CLEAR_LINE);
    this.isShown = false;
  }
}
