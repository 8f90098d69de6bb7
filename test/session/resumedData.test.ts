import { describe, expect, it } from 'vitest';
import { checkSameData } from '../../src/session/resumedData.js';
import type { PresentData } from '../../src/session/resumedData.js';
import type { Checkpoint } from '../../src/coordinator/index.js';
import { thrownBy } from '../support/errors.js';

const BEGUN: PresentData = {
  normalisation: { mean: [0.1, 0.2, 0.3], standardDeviation: [0.4, 0.5, 0.6] },
  samples: { training: { images: 'a', labels: 'b' }, validation: { images: 'c', labels: 'd' } },
};
const STORED: Pick<Checkpoint, 'normalisation'> = {
  normalisation: { mean: [0.1, 0.2, 0.3], standardDeviation: [0.4, 0.5, 0.6] },
};
const OTHER_LABELS: PresentData = {
  ...BEGUN,
  samples: { training: { images: 'a', labels: 'x' }, validation: { images: 'c', labels: 'x' } },
};

describe('the data of a resumed run', () => {
  it('are accepted without a word if they are the same', () => {
    expect(checkSameData({ ...STORED, samples: BEGUN.samples }, BEGUN)).toEqual([]);
  });

  it('are refused if they differ, and the parts that differ are named', () => {
    const { message } = thrownBy('E_CHECKPOINT', () =>
      checkSameData({ ...STORED, samples: BEGUN.samples }, OTHER_LABELS),
    );
    expect(message).toContain('different: training labels, validation labels');
    expect(message).toContain('with dataDir');
  });

  it('are compared by mean and deviation in a run of an older version, with a notice', () => {
    const older = { ...STORED, samples: undefined };
    expect(checkSameData(older, OTHER_LABELS)).toEqual([expect.stringContaining('older version')]);
    const otherPixels = { ...BEGUN, normalisation: { ...BEGUN.normalisation, mean: [0, 0, 0] as const } };
    expect(thrownBy('E_CHECKPOINT', () => checkSameData(older, otherPixels)).message).toContain('mean');
  });
});
