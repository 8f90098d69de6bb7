/** A line at the bottom of a terminal that is drawn again and again, under the lines that stay. */

import type { WriteStream } from 'node:tty';
import { printableLines } from '../../foundation/printable.js';
import { cutToColumns } from './columns.js';

const REDRAW_MS = 100;
const BAR_CELLS = 12;
/** Where the terminal does not tell its width. */
const DEFAULT_COLUMNS = 80;
const CLEAR_LINE = '\r\u001b[2K';

export class LiveLine {
  private lastDrawMs = -Infinity;
  private live = '';

  constructor(private readonly out: WriteStream) {}

  /** Not more often than anybody can read. */
  get isTimeToDraw(): boolean {
    return performance.now() - this.lastDrawMs >= REDRAW_MS;
  }

  /** Adds a line that stays. */
  say(message: string): void {
    const { live } = this;
    this.out.write(`${CLEAR_LINE}${printableLines(message)}\n`);
    this.draw(live);
  }

  draw(text: string): void {
    if (text === '' && this.live === '') return;
    this.live = text;
    this.lastDrawMs = performance.now();
    const columns = Math.max(20, (this.out.columns || DEFAULT_COLUMNS) - 1);
    this.out.write(CLEAR_LINE + cutToColumns(printableLines(text), columns)); // a line that wraps could not be cleared
  }

  clear(): void {
    this.draw('');
  }
}

export function bar(share: number): string {
  const full = Math.round(BAR_CELLS * Math.min(1, Math.max(0, share)));
  return '━'.repeat(full) + '─'.repeat(BAR_CELLS - full);
}
