/** No image is in two parts of the data: an accuracy on images that were trained on means nothing. */

import { count } from '../../foundation/count.js';
import { found, passed } from '../finding.js';
import type { Check } from '../finding.js';
import { scanOf } from './scan.js';
import type { ScannedImage } from './scan.js';

/** Below this share of a part, copies blur its accuracy; above, they make it. */
const FEW = 0.001;

export const duplicates: Check = {
  name: 'duplicates',
  group: 'data',
  about: 'no image is in training and in validation, or twice under two labels',
  run: async (bench) => {
    const { training, validation, test } = await scanOf(bench);
    const expected = `no image twice, ${test ? 'in training, validation and test' : 'in training and validation'}`;
    const known = new Set(training.map(({ digest }) => digest));
    for (const [what, images] of [
      ['validation', validation],
      ['test', test ?? []],
    ] as const) {
      const copied = images.filter(({ digest }) => known.has(digest)).length;
      if (copied === 0) continue;
      return found(copied > FEW * images.length ? 'fail' : 'warn', {
        expected,
        seen: `${copied.toLocaleString('en-US')} of ${count(images.length, `${what} image`)} are in training, too`,
        advice: `remove the copies from training: the ${what} accuracy would be too high`,
      });
    }
    const { copies, contradictions } = copiesWithin(training);
    if (copies === 0) return passed(expected, 'none');
    const seen = `${count(copies, 'training image')} ${copies === 1 ? 'is a copy' : 'are copies'} of another, ${contradictions} with another label`;
    if (contradictions > 0 || copies > FEW * training.length) {
      return found('warn', {
        expected,
        seen,
        advice: 'remove the copies: they count twice, and two labels of one image cannot both be learned',
      });
    }
    return passed(expected, seen);
  },
};

function copiesWithin(images: readonly ScannedImage[]): {
  readonly copies: number;
  readonly contradictions: number;
} {
  const labels = new Map<string, number>();
  let copies = 0;
  let contradictions = 0;
  for (const { digest, label } of images) {
    const first = labels.get(digest);
    if (first === undefined) labels.set(digest, label);
    else {
      copies++;
      if (first !== label) contradictions++;
    }
  }
  return { copies, contradictions };
}
