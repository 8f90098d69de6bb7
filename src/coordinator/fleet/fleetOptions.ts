/** What a fleet is told when it is made, and what its nodes bring. */

import type { Clock } from '../../foundation/clock.js';
import type { Welcome, Workers } from '../../protocol/index.js';
import type { EventListener } from '../run/events.js';
import type { Member } from './member.js';

export interface FleetOptions {
  readonly welcome: Welcome;
  readonly onEvent: EventListener;
  /** Give up after this long without any node attached. */
  readonly waitTimeoutMs: number;
  /** What the user can do if no node attaches; it depends on the command. */
  readonly noWorkersRemedy?: string;
  /**
   * Why nodes that bring such workers cannot take part; left out: all may.
   * @param from the node, if it is attached already and its workers have changed
   */
  readonly refusalOf?: (workers: Workforce, from?: Member) => string | undefined;
  /** Numerics classes whose results are part of the run already: of a resumed run. */
  readonly numericsClasses?: readonly string[];
  /** Told whenever workers have come or gone. */
  readonly onWorkers?: () => void;
  /** Left out: the real one. */
  readonly clock?: Clock;
  /** Whether all answers that have arrived are read. Left out: by what this process waits for, unless the clock is not real. */
  readonly areAnswersRead?: () => boolean;
}

/** What a node brings. */
export type Workforce = Omit<Workers, 'type'>;
