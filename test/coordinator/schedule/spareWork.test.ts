/** How long a search for spare work is not repeated, and what finding that out costs. */

import { describe, expect, it } from 'vitest';
import type { Assignee } from '../../../src/coordinator/schedule/assignee.js';
import { FinishTimes } from '../../../src/coordinator/schedule/finishTimes.js';
import { itemKey, roundKey } from '../../../src/coordinator/schedule/itemKey.js';
import { Pace } from '../../../src/coordinator/schedule/pace.js';
import { searchPauseAfter } from '../../../src/coordinator/schedule/spareWork.js';
import type { Outstanding } from '../../../src/coordinator/schedule/spareWork.js';
import { Workload } from '../../../src/coordinator/schedule/workload.js';

const ROUND = roundKey('work', 1);
const NOW_MS = 1000;

/** Counts how often it is gone through. */
class CountingMap<Key, Value> extends Map<Key, Value> {
  passes = 0;

  override [Symbol.iterator](): MapIterator<[Key, Value]> {
    this.passes++;
    return super[Symbol.iterator]();
  }
}

function nodeWith(threads: number): Assignee {
  return {
    ...{ name: 'node', accepting: true, workload: new Workload(threads) },
    ...{ give: () => undefined, cancel: () => undefined, keepApart: () => undefined },
  };
}

describe('after a search for spare work', () => {
  it('all items are gone through once to know how long another would find nothing', () => {
    const pace = new Pace();
    pace.add(100, 10, 0); // 10 ms a sample
    const node = nodeWith(2);
    const samples = [10, 30, 20];
    const holders = new CountingMap<number, ReadonlySet<Assignee>>();
    for (const [index, sampleCount] of samples.entries()) {
      node.workload.add({ round: ROUND, key: itemKey(ROUND, index), sampleCount, pace }, NOW_MS);
      holders.set(index, new Set([node]));
    }
    holders.set(3, new Set()); // waits for a node: no search could move it
    const items: Outstanding<Assignee> = {
      holders,
      keyOf: (index) => itemKey(ROUND, index),
      sampleCountOf: (index) => samples[index] ?? 1,
      paceOf: () => pace,
      unfitFor: () => new Set(),
    };
    const { latestMs, leastMs } = searchPauseAfter(items, new FinishTimes([node], () => pace, NOW_MS));
    expect(holders.passes).toBe(1);
    expect(latestMs).toBe(NOW_MS + 300); // 100 ms and then 200 on one thread, 300 on the other
    expect(leastMs).toBeCloseTo(0.9 * 100, 9); // of the fewest samples, by a node that may be a little quicker
  });
});
