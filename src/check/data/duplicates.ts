/** No image is in two parts of the data: an accuracy on images that were trained on means nothing. */

import { count } from '../../foundation/count.js';
import { found, passed } from '../finding.js';
import type { Check, Verdict } from '../finding.js';
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
    const all = [...training, ...validation, ...(test ?? [])];
    const problems = [
      ...underTwoLabels(all),
      ...copiedFrom(training, validation, 'validation'),
      ...copiedFrom(training, test ?? [], 'test'),
      ...copiesWithin(training),
    ];
    if (problems.length === 0) return passed(expected, 'none');
    const seen = problems.map((problem) => problem.seen).join('; ');
    const grave = problems.filter(({ verdict }) => verdict !== 'pass');
    if (grave.length === 0) return passed(expected, seen);
    return found(grave.some(({ verdict }) => verdict === 'fail') ? 'fail' : 'warn', {
      expected,
      seen,
      advice: grave.map(({ advice }) => advice).join('; '),
    });
  },
};

/** The gravest come first: an image with a wrong label is often also why it is in two parts. */
interface Problem {
  readonly verdict: Verdict;
  readonly seen: string;
  readonly advice: string;
}

function underTwoLabels(images: readonly ScannedImage[]): readonly Problem[] {
  const first = new Map<string, number>();
  const contradictory = new Set<string>();
  for (const { digest, label } of images) {
    const other = first.get(digest);
    if (other === undefined) first.set(digest, label);
    else if (other !== label) contradictory.add(digest);
  }
  if (contradictory.size === 0) return [];
  return [
    {
      verdict: 'warn',
      seen: `${are(contradictory.size, 'image')} there under two labels or more`,
      advice: 'give each image one label: two of one image cannot both be learned',
    },
  ];
}

function copiedFrom(
  training: readonly ScannedImage[],
  images: readonly ScannedImage[],
  what: string,
): readonly Problem[] {
  const known = new Set(training.map(({ digest }) => digest));
  const copied = images.filter(({ digest }) => known.has(digest)).length;
  if (copied === 0) return [];
  return [
    {
      verdict: copied > FEW * images.length ? 'fail' : 'warn',
      seen: `${copied.toLocaleString('en-US')} of ${are(images.length, `${what} image`)} in training, too`,
      advice: `remove the copies from training: the ${what} accuracy would be too high`,
    },
  ];
}

function copiesWithin(images: readonly ScannedImage[]): readonly Problem[] {
  const copies = images.length - new Set(images.map(({ digest }) => digest)).size;
  if (copies === 0) return [];
  return [
    {
      verdict: copies > FEW * images.length ? 'warn' : 'pass',
      seen: `${count(copies, 'training image')} ${copies === 1 ? 'is a copy' : 'are copies'} of another`,
      advice: 'remove the copies within training: they count twice',
    },
  ];
}

function are(number: number, noun: string): string {
  return `${count(number, noun)} ${number === 1 ? 'is' : 'are'}`;
}
