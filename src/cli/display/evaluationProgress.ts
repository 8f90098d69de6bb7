/** How far an evaluation or a prediction is, while a terminal looks: a live line that leaves nothing behind. */

import type { WriteStream } from 'node:tty';
import { bar, LiveLine } from './liveLine.js';
import { duration } from './text.js';

export class EvaluationProgress {
  private readonly line: LiveLine;
  private readonly startedMs = performance.now();

  /** @param doing what is done with the images */
  constructor(
    out: WriteStream,
    private readonly doing = 'evaluating',
  ) {
    this.line = new LiveLine(out);
  }

  /** @param done images of `total` that are evaluated */
  show(done: number, total: number): void {
    if (!this.line.isTimeToDraw) return;
    const share = done / total;
    const seconds = (performance.now() - this.startedMs) / 1000;
    const left = done === 0 ? '' : `  left ${duration((seconds / share) * (1 - share))}`;
    const images = `${done.toLocaleString('en-US')}/${total.toLocaleString('en-US')} images`;
    this.line.draw(`${this.doing} ${bar(share)} ${(100 * share).toFixed(0)} %  ${images}${left}`);
  }

  clear(): void {
    this.line.clear();
  }
}
