/** What is being done at this moment, where somebody watches: on a terminal; nothing elsewhere. */

import type { WriteStream } from 'node:tty';
import { LiveLine } from './liveLine.js';

/** What of a stream the displays use. */
export interface LineStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

export class PassingLine {
  private readonly line: LiveLine | undefined;

  constructor(out: LineStream, wanted = true) {
    const isLive = wanted && out.isTTY === true && process.env['TERM'] !== 'dumb';
    this.line = isLive ? new LiveLine(out as unknown as WriteStream) : undefined;
  }

  show(text: string): void {
    this.line?.draw(text);
  }

  clear(): void {
    this.line?.clear();
  }
}
