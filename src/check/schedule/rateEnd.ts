/** The rate is low at the end, and not next to nothing long before it. */

import { RECIPE_OPTIONS } from '../../coordinator/index.js';
import { count } from '../../foundation/count.js';
import { found, passed } from '../finding.js';
import type { Check } from '../finding.js';
import { ratesOf } from './rates.js';

const STILL_HIGH = 0.5;
const LONG_IDLE = 0.05;

export const rateEnd: Check = {
  name: 'rate-end',
  group: 'schedule',
  about: 'the rate neither stays at its peak to the end nor vanishes long before it',
  run: ({ subject }) => {
    const { schedule, epochs, milestones } = subject.recipe;
    const { peak, last, steps, idle } = ratesOf(subject);
    const expected = 'a rate that falls by the end of the run, and not to nothing long before it';
    const seen = `from ${short(peak)} at its peak to ${short(last)} in the last of ${steps.toLocaleString('en-US')} steps`;
    if (idle > LONG_IDLE) {
      return found('warn', {
        expected,
        seen: `${seen}; below ${short(peak * 1e-5)} in the last ${(100 * idle).toFixed(0)} % of them`,
        advice: 'these steps change nothing: end the run before, or let the rate fall later',
      });
    }
    if (steps < 2 || last <= STILL_HIGH * peak) return passed(expected, seen);
    if (schedule === 'multistep' && isDefault(milestones)) {
      return {
        leftOut: [
          `a run of ${count(epochs, 'epoch')} ends before the rate falls, at ${milestones[0]}, unless you give `,
          { option: 'milestones' },
          ' or, for a rate that falls by the end, ',
          { option: 'schedule', value: 'onecycle' },
        ],
      };
    }
    return found('warn', {
      expected,
      seen,
      advice:
        schedule === 'multistep'
          ? [
              'the weights do not settle: give ',
              { option: 'milestones' },
              ` below ${epochs}, or use `,
              { option: 'schedule', value: 'onecycle' },
            ]
          : ['the weights do not settle: use ', { option: 'schedule', value: 'onecycle' }],
    });
  },
};

/** Nobody chose them, and a short run is a trial. */
function isDefault(milestones: readonly number[]): boolean {
  return String(milestones) === String(RECIPE_OPTIONS.milestones.default);
}

export function short(rate: number): string {
  return rate === 0 || rate >= 1e-3 ? String(Number(rate.toPrecision(3))) : rate.toExponential(1);
}
