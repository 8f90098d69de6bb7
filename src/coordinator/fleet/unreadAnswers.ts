/**
 * Whether answers may have arrived that this process has not read yet. If it does not keep up, an item seems late though
 * its answer is here, and a copy would make it later still: every answer costs as much as the first.
 */

import { performance as loop } from 'node:perf_hooks';

export class UnreadAnswers {
  /** How long the process had waited for input when it read the latest answer. */
  private waitedMs = 0;

  answerRead(): void {
    this.waitedMs = loop.eventLoopUtilization().idle;
  }

  /** Whether there was a moment without anything to read since the latest answer. */
  areAllRead(): boolean {
    return loop.eventLoopUtilization().idle > this.waitedMs;
  }
}
