/** Every class is there, in training and where accuracies are measured, and none is rare. */

import { countLabels } from '../../data/index.js';
import { count } from '../../foundation/count.js';
import { found, passed } from '../finding.js';
import type { Check } from '../finding.js';
import { scanOf } from './scan.js';
import type { ScannedImage } from './scan.js';

/** A class this many times smaller than the largest is learned last, if at all. */
const UNEQUAL = 5;

export const classes: Check = {
  name: 'classes',
  group: 'data',
  about: 'every class has training images, about as many as the others',
  run: async (bench) => {
    const scan = await scanOf(bench);
    const { set, bringsValidation } = bench.subject.data;
    const { classNames } = set;
    const countsOf = (images: readonly ScannedImage[]): readonly number[] =>
      countLabels(
        Uint8Array.from(images, ({ label }) => label),
        classNames.length,
      );
    const training = countsOf(scan.training);
    const [fewest, most] = [Math.min(...training), Math.max(...training)];
    const expected = `images of all ${classNames.length} classes, about as many of each`;
    const seen = `${fewest === most ? '' : `${fewest.toLocaleString('en-US')} to `}${count(most, 'training image')} a class`;
    const missing = namesOfMissing(training, classNames);
    if (missing.length > 0) {
      return found('fail', {
        expected,
        seen: `no training image of ${listed(missing)}`,
        advice: 'add images of it, or leave the class out of the data; look at how the labels are read',
      });
    }
    const elsewhere = [
      ['validation', scan.validation],
      ['test', scan.test ?? []],
    ] as const;
    for (const [what, images] of elsewhere) {
      const lacking = images.length === 0 ? [] : namesOfMissing(countsOf(images), classNames);
      if (lacking.length === 0) continue;
      return found('warn', {
        expected,
        seen: `${seen}, and no ${what} image of ${listed(lacking)}`,
        advice:
          what === 'test' || bringsValidation === true
            ? `its accuracy is not measured; add ${what} images of it`
            : [
                'its accuracy is not measured; hold more samples back, or use ',
                { option: 'stratify', value: true },
              ],
      });
    }
    if (most <= UNEQUAL * fewest) return passed(expected, seen);
    return found('warn', {
      expected,
      seen: `${seen}; the fewest of ${classNames[training.indexOf(fewest)]!}`,
      advice: 'look at the accuracy of each class, not at their mean alone; add images of the rare ones',
    });
  },
};

const MOST_NAMED = 3;

function namesOfMissing(counts: readonly number[], names: readonly string[]): readonly string[] {
  return names.filter((_, label) => counts[label] === 0);
}

export function listed(names: readonly string[]): string {
  const more = names.length - MOST_NAMED;
  return more <= 0 ? names.join(', ') : `${names.slice(0, MOST_NAMED).join(', ')} and ${more} more`;
}
