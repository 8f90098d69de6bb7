/** Combinations of options that make no sense together. Each names what is wrong and what to do, with no word of flags. */

import { isMet } from '../../foundation/options/definition.js';
import type { OptionDefinition } from '../../foundation/options/definition.js';
import type { OptionValue } from '../../foundation/options/kind.js';
import { OptionError } from '../../foundation/options/optionError.js';
import type { Remedy, Sentence } from '../../foundation/options/optionError.js';
import { LEAST_UNASKED, nearestMicroBatch, unusualMicroBatch, USUAL_MICRO_BATCH } from './microBatch.js';
import { RECIPE_OPTIONS } from './recipeOptions.js';
import type { Recipe, RequestedRecipe } from './recipeOptions.js';
import { SCHEDULES_OVER_ALL_EPOCHS } from './schedules.js';

/** What the rules look at, before and after the data set is decided. */
type AnyRecipe = Recipe | RequestedRecipe;

interface Contradiction {
  readonly problem: Sentence;
  readonly remedies: readonly Remedy[];
}

/** @param asked keys that the user gave: a default never contradicts a choice */
type Rule = (recipe: AnyRecipe, asked: ReadonlySet<string>) => Contradiction | undefined;

/** @throws OptionError for the first rule that is broken */
export function checkContradictions(recipe: AnyRecipe, asked: ReadonlySet<string>): void {
  for (const rule of RULES) {
    const found = rule(recipe, asked);
    if (found) throw new OptionError(found.problem, found.remedies);
  }
}

const DEFINITIONS: Readonly<Record<string, OptionDefinition>> = RECIPE_OPTIONS;

const RULES: readonly Rule[] = [
  batchOfWholeMicroBatches,
  optionsWithEffect,
  oneWarmUp,
  numbersInOrder,
  nesterovWithMomentum,
  patienceWithValidation,
  lookaheadToTheEnd,
];

function batchOfWholeMicroBatches(
  { batchSize, microBatch }: AnyRecipe,
  asked: ReadonlySet<string>,
): Contradiction | undefined {
  if (batchSize % microBatch === 0) return undefined;
  const below = Math.floor(batchSize / microBatch) * microBatch;
  const otherBatch = use('batchSize', ...[below, below + microBatch].filter((size) => size > 0));
  if (!asked.has('microBatch')) {
    const size = unusualMicroBatch(batchSize);
    return {
      problem: [
        of('batchSize', batchSize),
        ` cannot be cut into micro-batches of ${LEAST_UNASKED} to ${USUAL_MICRO_BATCH} samples: it has no such divisor`,
      ],
      remedies: [otherBatch, ...(size === undefined ? [] : [use('microBatch', size)])],
    };
  }
  return {
    problem: [of('batchSize', batchSize), ' must be a multiple of ', of('microBatch', microBatch)],
    remedies: [otherBatch, use('microBatch', nearestMicroBatch(batchSize, microBatch))],
  };
}

/** What the definitions say by `onlyWith`. */
function optionsWithEffect(recipe: AnyRecipe, asked: ReadonlySet<string>): Contradiction | undefined {
  const values = recipe as unknown as Readonly<Record<string, OptionValue>>;
  for (const [key, { onlyWith }] of Object.entries(DEFINITIONS)) {
    if (!asked.has(key) || onlyWith === undefined || isMet(onlyWith, recipe)) continue;
    return {
      problem: [of(key, values[key]!), ' has no effect with ', of(onlyWith.option, values[onlyWith.option]!)],
      remedies: [use(onlyWith.option, ...onlyWith.is), leaveOut(key)],
    };
  }
  return undefined;
}

function oneWarmUp({ warmupEpochs, schedule }: AnyRecipe): Contradiction | undefined {
  if (warmupEpochs === 0 || schedule !== 'onecycle') return undefined;
  return {
    problem: [
      of('warmupEpochs', warmupEpochs),
      ' contradicts ',
      of('schedule', schedule),
      ', which warms up by itself',
    ],
    remedies: [use('warmupEpochs', 0)], // to leave it out is not enough beside a known recipe that has one
  };
}

/** What the definitions say by `belowOption`. */
function numbersInOrder(recipe: AnyRecipe): Contradiction | undefined {
  for (const [key, { belowOption: other, onlyWith }] of Object.entries(DEFINITIONS)) {
    if (other === undefined || !isMet(onlyWith, recipe)) continue;
    const { [key]: value, [other]: bound } = recipe as unknown as Readonly<Record<string, number>>;
    if (value! < bound!) continue;
    return {
      problem: [of(key, value!), ' must be below ', of(other, bound!)],
      remedies: [use(key, bound! >= 1 ? bound! - 1 : 0)],
    };
  }
  return undefined;
}

function nesterovWithMomentum({ nesterov, momentum }: AnyRecipe): Contradiction | undefined {
  if (!nesterov || momentum > 0) return undefined;
  return {
    problem: [of('nesterov', true), ' needs a momentum above 0'],
    remedies: [use('momentum', 0.9)],
  };
}

function patienceWithValidation(
  { valSize, patience }: AnyRecipe,
  asked: ReadonlySet<string>,
): Contradiction | undefined {
  if (valSize > 0 || patience === 0 || !asked.has('patience')) return undefined;
  return {
    problem: [
      of('patience', patience),
      ' needs validation samples, and there are none with ',
      of('valSize', 0),
    ],
    remedies: [use('patience', 0)],
  };
}

/** Its strength grows towards the last step, so the number of steps must not change. */
function lookaheadToTheEnd({ averaging, schedule }: AnyRecipe): Contradiction | undefined {
  if (averaging !== 'lookahead' || SCHEDULES_OVER_ALL_EPOCHS.includes(schedule)) return undefined;
  return {
    problem: [
      of('averaging', averaging),
      ' needs a schedule that ends with the last epoch, and not ',
      of('schedule', schedule),
    ],
    remedies: [use('schedule', ...SCHEDULES_OVER_ALL_EPOCHS)],
  };
}

function of(option: string, value: OptionValue): { readonly option: string; readonly value: OptionValue } {
  return { option, value };
}

function use(option: string, ...values: readonly OptionValue[]): Remedy {
  return { kind: 'use', option, values };
}

function leaveOut(option: string): Remedy {
  return { kind: 'leave-out', option };
}
