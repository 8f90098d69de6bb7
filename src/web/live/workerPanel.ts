/** Who takes or took part in a run, and how much of the training each node has computed. */

import type { RunAnswer } from '../../watch/live/api.js';
import { element } from './dom.js';
import { count, DASH, percent } from './format.js';
import { shareBar, table } from './tables.js';

export function workerPanel({ workers }: RunAnswer, isRunning: boolean): readonly Node[] {
  if (workers.length === 0) return [];
  const rows = workers.map(({ node, engine, device, threads, isAttached, samples, share }) => [
    node,
    // Nobody is attached to a run that has ended; "gone" would read as a failure.
    ...(isRunning ? [isAttached ? 'attached' : 'gone'] : []),
    share === null ? DASH : shareBar(share, percent(share)),
    samples === 0 ? DASH : count(samples),
    count(threads),
    engine ?? DASH,
    device ?? DASH,
  ]);
  return [
    element('h3', {}, 'Who computed how much'),
    table(['node', ...(isRunning ? ['now'] : []), 'share', 'samples', 'threads', 'engine', 'device'], rows),
  ];
}
