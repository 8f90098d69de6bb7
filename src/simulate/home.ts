/** Where nodes attach: the coordinator, or a relay. */

import type { AnyMessage, CoordinatorChannel } from '../protocol/index.js';
import type { Machine } from './machine.js';

export interface Home {
  readonly machine: Machine;
  readonly name: string;
  readonly answers: AnswerCount;
  admit(channel: CoordinatorChannel): void;
}

/** The answers that came to one place: micro-batches, each as often as it was answered. */
export class AnswerCount {
  items = 0;
  messages = 0;

  readonly see = (message: AnyMessage): void => {
    if (message.type !== 'result' && message.type !== 'sum') return;
    this.messages++;
    this.items += message.type === 'sum' ? message.leaves.length : 1;
  };
}
