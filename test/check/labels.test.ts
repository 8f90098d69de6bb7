import { describe, expect, it } from 'vitest';
import { runChecks } from '../../src/check/index.js';
import type { Finding, Subject } from '../../src/check/index.js';
import { leastBeyond, tailOf } from '../../src/check/data/chance.js';
import { randomPermutation, RandomStream } from '../../src/foundation/random.js';
import { checkedSubject } from '../support/checkedSubject.js';
import { PLANTED_FAULTS } from '../support/plantedFaults.js';

const { signal } = new AbortController();
const findingOf = async (subject: Subject): Promise<Finding> =>
  (await runChecks(subject, { only: ['labels'], signal }))[0]!;
const planted = (fault: string, subject: Subject): Subject =>
  PLANTED_FAULTS.find((each) => each.fault === fault)!.plant(subject);

/** The same images under labels of which this share is right: hard to tell from chance, and no fault of the pairing. */
function blurred(subject: Subject, share: number): Subject {
  const { set } = subject.data;
  const stream = new RandomStream([7, 8]);
  const order = randomPermutation(set.sampleCount, [5, 6]);
  const labels = Uint8Array.from({ length: set.sampleCount }, (_, index) =>
    set.labelOf(stream.nextUniform() < share ? index : order[index]!),
  );
  const read = (index: number, target: Uint8Array, offset: number): number => {
    set.read(index, target, offset);
    return labels[index]!;
  };
  return { ...subject, data: { ...subject.data, set: { ...set, labelOf: (at) => labels[at]!, read } } };
}

describe('the tail of a binomial distribution', () => {
  it('is that of Pascal’s triangle', () => {
    const row = [1, 12, 66, 220, 495, 792, 924, 792, 495, 220, 66, 12, 1];
    for (let least = 0; least <= 12; least++) {
      const exact = row.reduce(
        (sum, ways, at) => (at < least ? sum : sum + ways * 0.25 ** at * 0.75 ** (12 - at)),
        0,
      );
      expect(tailOf(least, 12, 0.25)).toBeCloseTo(exact, 12);
    }
  });

  it('begins where it is small enough', () => {
    const least = leastBeyond(2000, 0.1, 1e-4);
    expect(tailOf(least, 2000, 0.1)).toBeLessThanOrEqual(1e-4);
    expect(tailOf(least - 1, 2000, 0.1)).toBeGreaterThan(1e-4);
    expect(leastBeyond(3, 0.9, 1e-4)).toBe(4);
    expect(leastBeyond(50, 1, 1e-4)).toBe(51);
  });
});

describe('labels', () => {
  it.each([
    [200, 50],
    [200, 100],
    [300, 100],
    [400, 400],
  ])(
    'are not blamed when %i training and %i validation images cannot decide',
    async (trainLimit, valSize) => {
      const subject = await checkedSubject({ trainLimit, valSize });
      for (const share of [1, 0.5, 0.2, 0.1]) {
        const finding = await findingOf(blurred(subject, share));
        expect(['pass', 'left-out']).toContain(finding.verdict);
      }
    },
  );

  it('are left out with the numbers, which say how many right answers would be no chance', async () => {
    const subject = await checkedSubject({ trainLimit: 200, valSize: 50 });
    const finding = await findingOf(planted('labels shuffled', subject));
    expect(finding.verdict).toBe('left-out');
    expect('leftOut' in finding && finding.leftOut).toMatch(
      /of \d+ images is right for \d+ \(.* %\) of 67 held-out images, a guess for \d+ .*: only \d+ \(.*\) would be no chance$/,
    );
  });

  it('fail with a number below the one that is expected', async () => {
    const finding = await findingOf(planted('labels shuffled', await checkedSubject()));
    expect(finding.verdict).toBe('fail');
    const { expected, seen } = finding as { expected: string; seen: string };
    const numberIn = (text: string): number => Number(/right for (?:at least )?(\d+) /.exec(text)![1]);
    expect(numberIn(seen)).toBeLessThan(numberIn(expected));
  });

  it('pass where many of them are right, though not all', async () => {
    const subject = await checkedSubject();
    expect((await findingOf(subject)).verdict).toBe('pass');
    expect((await findingOf(blurred(subject, 0.7))).verdict).toBe('pass');
  });
});
