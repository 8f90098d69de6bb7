/** What a check is, and what it finds. */

import type { Sentence } from '../foundation/options/optionError.js';
import type { Workbench } from './workbench.js';

export const CHECK_GROUPS = [
  'data',
  'computing',
  'start',
  'dependence',
  'capacity',
  'baselines',
  'schedule',
] as const;
export type CheckGroup = (typeof CHECK_GROUPS)[number];

export type Verdict = 'pass' | 'warn' | 'fail';

/** May name options, which the command line and the library write in their own words. */
export type Words = Sentence | string;

export interface Observation {
  readonly verdict: Verdict;
  readonly expected: Words;
  readonly seen: Words;
  /** What to do; only beside a verdict that is not `pass`. */
  readonly advice?: Words | undefined;
}

/** Why a check says nothing. */
export interface LeftOut {
  readonly leftOut: Words;
}

export interface Check {
  /** As `only` and `skip` name it. */
  readonly name: string;
  readonly group: CheckGroup;
  /** One line for a list of all checks. */
  readonly about: string;
  /** If one of these fails, this check would only fail too, and say nothing new: it is left out. */
  readonly needs?: readonly string[];
  readonly run: (bench: Workbench) => Promise<Observation | LeftOut> | Observation | LeftOut;
}

export type Finding = { readonly name: string; readonly group: CheckGroup } & (
  Observation | (LeftOut & { readonly verdict: 'left-out' })
);

export function passed(expected: Words, seen: Words): Observation {
  return { verdict: 'pass', expected, seen };
}

export function found(verdict: 'warn' | 'fail', words: Omit<Required<Observation>, 'verdict'>): Observation {
  return { verdict, ...words };
}

/** `pass` if it is as expected, else the verdict and the advice. */
export function judged(
  isGood: boolean,
  verdict: 'warn' | 'fail',
  { expected, seen, advice }: Omit<Required<Observation>, 'verdict'>,
): Observation {
  return isGood ? passed(expected, seen) : found(verdict, { expected, seen, advice });
}
