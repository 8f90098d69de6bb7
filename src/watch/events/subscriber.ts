/** What listens to a run: the terminal, the live page, a program's callback, a tracker. */

import type { RunEvent } from '../../coordinator/index.js';

/**
 * Calls come one at a time and in order, from a queue, never within a training step. A subscriber that throws, hangs or is
 * slow is dropped with a notice; training and the other subscribers go on.
 */
export interface Subscriber {
  /** In notices, as in "TensorBoard". */
  readonly name: string;
  /** The next event waits until a returned promise settles. @param timeMs the moment of the event, since 1970 */
  on(event: RunEvent, timeMs: number): void | Promise<void>;
  /** A sentence for people at this moment: it is no event. */
  onRemark?(message: string): void;
  /** Writes what waits, and lets go of everything. No call follows. Cut short after a deadline. */
  close?(): void | Promise<void>;
  /**
   * Not dropped for being slow: users expect that a terminal that they have paused goes on afterwards. It can still make
   * training wait, so this is for the terminal only.
   */
  readonly mayBeSlow?: boolean;
}
