/** The rate has risen long before the run ends. */

import { found, passed } from '../finding.js';
import type { Check } from '../finding.js';
import { ratesOf } from './rates.js';

const MOST = 0.5;

export const warmUp: Check = {
  name: 'warm-up',
  group: 'schedule',
  about: 'the warm-up is shorter than the run',
  run: ({ subject }) => {
    const { rise, steps } = ratesOf(subject);
    const expected = 'the highest rate in the first half of the run';
    const seen =
      rise === 0
        ? 'it begins with its highest rate'
        : `reached after ${Math.round(rise * steps).toLocaleString('en-US')} of ${steps.toLocaleString('en-US')} steps`;
    if (rise <= MOST) return passed(expected, seen);
    return found('warn', {
      expected,
      seen,
      advice: ['most of the run is warm-up: use fewer ', { option: 'warmupEpochs' }, ', or a longer run'],
    });
  },
};
