/** An epoch is what it should be: every training image once, in as many steps as that takes. */

import { planEpoch } from '../../data/index.js';
import { count } from '../../foundation/count.js';
import { found, passed } from '../finding.js';
import type { Check } from '../finding.js';

export const steps: Check = {
  name: 'steps',
  group: 'schedule',
  about: 'an epoch has each training image once, in as many steps as expected',
  run: ({ subject: { recipe, data } }) => {
    const { seed, batchSize, microBatch: microBatchSize, dropLast } = recipe;
    const { training: trainingIndices } = data.split;
    const images = trainingIndices.length;
    const wanted = dropLast ? Math.floor(images / batchSize) : Math.ceil(images / batchSize);
    const options = { trainingIndices, seed, epoch: 0, batchSize, microBatchSize, dropLast };
    const planned = planEpoch(options).steps;
    const used = planned.flatMap(({ microBatches }) => microBatches.flatMap(({ samples }) => [...samples]));
    const expected = `${count(images, 'image')} in ${count(wanted, 'step')} of ${batchSize}, each image ${dropLast ? 'at most ' : ''}once`;
    const seen = `${count(new Set(used).size, 'image')} in ${count(planned.length, 'step')}`;
    const isRight =
      planned.length === wanted &&
      new Set(used).size === used.length &&
      used.length === (dropLast ? wanted * batchSize : images);
    if (!isRight) {
      return found('fail', {
        expected,
        seen,
        advice: 'report it with this output: the plan of the epoch is wrong',
      });
    }
    const last = images % batchSize;
    if (dropLast || last === 0 || last >= batchSize / 8 || planned.length < 2) return passed(expected, seen);
    return passed(expected, `${seen}, the last of ${count(last, 'image')}`);
  },
};
