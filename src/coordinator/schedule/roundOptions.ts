/** What a round is made of, and what it tells of an item. */

import type { Clock } from '../../foundation/clock.js';
import type { Assignee } from './assignee.js';
import type { RoundKey } from './itemKey.js';
import type { Pace } from './pace.js';

export interface RoundOptions<Node extends Assignee> {
  readonly key: RoundKey;
  /** `open`: items are added one by one. */
  readonly itemCount: number | 'open';
  readonly sampleCountOf: (index: number) => number;
  readonly assignees: () => Iterable<Node>;
  /** How quickly the node computes items of this kind. */
  readonly paceOf: (assignee: Node) => Pace;
  readonly clock?: Clock;
  /** False while answers may have arrived that are not read yet: an item that seems late may not be. Default: true. */
  readonly areAnswersRead?: (() => boolean) | undefined;
}

export interface ItemStatus<Node> {
  readonly isAnswered: boolean;
  readonly by: Node | undefined;
}
