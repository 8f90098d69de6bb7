/** Whether a run is training, from its events: what a probe asks for. */

import type { RunEvent } from '../../coordinator/index.js';
import type { Subscriber } from '../events/subscriber.js';

export type RunState = 'starting' | 'training' | 'waiting' | 'finished';

export interface RunStatus {
  readonly state: RunState;
  /** In a sentence; undefined while it trains. */
  readonly reason: string | undefined;
}

interface Waiting {
  readonly reason: string;
  readonly workersNeeded: number;
}

export class RunStatusWatcher implements Subscriber {
  readonly name = 'the health check';
  private phase: 'starting' | 'begun' | 'training' | 'finished' = 'starting';
  private waiting: Waiting | undefined;

  on(event: RunEvent): void {
    switch (event.event) {
      case 'run-started':
        this.phase = 'begun';
        return;
      case 'waiting':
        this.waiting = event;
        return;
      case 'step':
      case 'epoch':
        this.phase = 'training';
        this.waiting = undefined;
        return;
      case 'run-finished':
        this.phase = 'finished';
        return;
      default:
    }
  }

  /** @param workersNow attached at this moment */
  status(workersNow: number): RunStatus {
    if (this.phase === 'finished') return { state: 'finished', reason: 'the run has ended' };
    if (this.waiting && workersNow < this.waiting.workersNeeded) {
      const { reason } = this.waiting;
      return { state: 'waiting', reason: `waiting ${reason}; ${workersNow} attached` };
    }
    if (this.phase === 'starting') return { state: 'starting', reason: 'training has not begun yet' };
    // The server listens a moment before the run says that it waits.
    if (this.phase === 'begun' && workersNow === 0) {
      return { state: 'starting', reason: 'no worker is attached yet' };
    }
    return { state: 'training', reason: undefined };
  }
}
