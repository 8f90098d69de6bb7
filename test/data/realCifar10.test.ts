import { describe, expect, it } from 'vitest';
import {
  gatherSamples,
  labelsOf,
  loadCifar10,
  locateCifar10,
  measureNormalisation,
  verifyCifar10,
} from '../../src/data/index.js';
import { REAL_CIFAR10_DIR } from './cifar10Fixtures.js';

const isThere = (await locateCifar10([REAL_CIFAR10_DIR])) !== undefined;
if (!isThere)
  console.warn(`skipped: no CIFAR-10 in ${REAL_CIFAR10_DIR}; set LOCKSTEP_CIFAR10_DIR to its folder`);

describe.skipIf(!isThere)('the real CIFAR-10', () => {
  it('has the published mean and standard deviation of its 50,000 training images', async () => {
    const set = await loadCifar10(REAL_CIFAR10_DIR);
    const { mean, standardDeviation } = measureNormalisation(
      set,
      Uint32Array.from({ length: 50_000 }, (_, index) => index),
    );
    expect(mean.map((value) => value.toFixed(4))).toEqual(['0.4914', '0.4822', '0.4465']);
    expect(standardDeviation.map((value) => value.toFixed(4))).toEqual(['0.2470', '0.2435', '0.2616']);
  });

  it('begins with a frog, two trucks and a deer, and its first pixel is (59, 62, 63)', async () => {
    const set = await loadCifar10(REAL_CIFAR10_DIR);
    const { pixels, labels } = gatherSamples(set, [0, 1, 2, 3]);
    expect([...labels].map((label) => set.classNames[label])).toEqual(['frog', 'truck', 'truck', 'deer']);
    expect([...pixels.subarray(0, 3)]).toEqual([59, 62, 63]);
    const counts = new Array<number>(10).fill(0);
    for (const label of labelsOf(set)) counts[label]!++;
    expect(counts).toEqual(new Array<number>(10).fill(5000));
  });

  it('has the official checksums in its training batches', async () => {
    const report = await verifyCifar10(REAL_CIFAR10_DIR);
    expect(report).toMatchObject({ isUsable: true, isOfficialTraining: true });
  });
});
