/** A node that takes items and never answers: with nothing else left to happen, the round must still get to its end. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Assignee } from '../../../src/coordinator/schedule/assignee.js';
import { roundKey } from '../../../src/coordinator/schedule/itemKey.js';
import { Pace } from '../../../src/coordinator/schedule/pace.js';
import { Round } from '../../../src/coordinator/schedule/round.js';
import { Workload } from '../../../src/coordinator/schedule/workload.js';
import { VirtualClock } from '../../../src/simulate/virtualClock.js';
import { hash32 } from '../../support/numbers.js';

const SAMPLES = 100;
const LIMIT_MS = 3_600_000;

class Node implements Assignee {
  readonly accepting = true;
  readonly workload = new Workload(1);
  readonly pace = new Pace();
  private items: number[] = [];
  private isBusy = false;

  constructor(
    readonly name: string,
    private readonly clock: VirtualClock,
    private readonly itemMs: number,
    private readonly answer: ((node: Node, index: number) => void) | undefined,
  ) {
    for (let time = 0; time < 3; time++) this.pace.add(itemMs, SAMPLES, 0);
  }

  give(index: number): void {
    this.items.push(index);
    this.pump();
  }

  cancel(index: number): void {
    this.items = this.items.filter((item) => item !== index);
  }

  keepApart(): void {
    throw new Error('nobody sends sums here');
  }

  private pump(): void {
    const { answer } = this;
    if (this.isBusy || !answer) return;
    const index = this.items.shift();
    if (index === undefined) return;
    this.isBusy = true;
    this.clock.after(this.itemMs, () => {
      this.isBusy = false;
      this.pump();
      answer(this, index);
    });
  }
}

describe('a node that never answers', () => {
  it.each([
    ['that are read at once', (): boolean => true],
    ['that may be unread while one is handled', undefined],
  ])('holds no round up for ever, among answers %s', async (_, areAnswersRead) => {
    await fc.assert(
      fc.asyncProperty(
        fc.nat(1_000_000),
        fc.integer({ min: 2, max: 40 }),
        fc.integer({ min: 1, max: 60 }),
        async (seed, nodeCount, itemCount) => {
          const clock = new VirtualClock();
          let isHandling = false;
          const nodes: Node[] = [];
          const round = new Round<Node>({
            key: roundKey('work', 1),
            itemCount,
            sampleCountOf: () => SAMPLES,
            assignees: () => nodes,
            paceOf: ({ pace }) => pace,
            clock,
            areAnswersRead: areAnswersRead ?? ((): boolean => !isHandling),
          });
          const answer = (node: Node, index: number): void => {
            isHandling = true;
            round.complete(node, index);
            isHandling = false;
          };
          // Nodes of about the same speed: within a quarter.
          const itemMs = (index: number): number => 100 * (1 + (0.25 * hash32(seed + index)) / 2 ** 32);
          for (let index = 0; index < nodeCount; index++) {
            const isSilent = index === nodeCount - 1;
            nodes.push(new Node(`${index}`, clock, itemMs(index), isSilent ? undefined : answer));
          }
          let isOver = false;
          void round.done.then(() => (isOver = true));
          round.fill();
          expect(
            await clock.passUntil(
              () => isOver,
              () => LIMIT_MS,
            ),
          ).toBe(true);
        },
      ),
      { numRuns: 200 },
    );
  });
});
