/**
 * Labels belong to their images: a linear model of colours and edges, fitted to some images, says more of the labels of others than a guess does. No
 * network is trained, so it is found out in seconds, and a network that learns shuffled labels by heart cannot hide it.
 */

import { countLabels, formatOf } from '../../data/index.js';
import { count } from '../../foundation/count.js';
import { found, passed } from '../finding.js';
import type { Check, LeftOut, Observation } from '../finding.js';
import type { Workbench } from '../workbench.js';
import { leastBeyond, tailOf } from './chance.js';
import { KNOWN_IMAGES } from './knownImages.js';
import { labelsFor } from './labelCounts.js';
import { cellMeans, edges, gridFor, together } from './features.js';
import type { Features } from './features.js';
import { fitLinear, linearOutputs } from './leastSquares.js';
import { scanOf } from './scan.js';

const FITTED = 4000;
const HELD_OUT = 2000;
const FEWEST_SAMPLES = 100;
const SAMPLES_PER_FEATURE = 15;
/** A number of right answers that a guess reaches no more often than this is no chance. */
const BEYOND_CHANCE = 1e-4;
/** One that it reaches more often than this is no better than a guess. */
const LIKE_A_GUESS = 0.05;
/**
 * With correct labels a linear model of fewer images than that, or one that must rise above a guess by more than this share
 * of what a guess gets wrong, may well be no better than a guess: then nothing is said against the labels.
 */
const FEWEST_FITTED = 500;
const MOST_RISE = 0.1;

export const labels: Check = {
  name: 'labels',
  group: 'data',
  about: 'labels belong to their images: a linear model predicts those of held-out images',
  run: async (bench) => {
    const known = await knownLabels(bench);
    if (known) return known;
    const experiment = experimentOf(bench);
    if (!experiment) return { leftOut: 'there are too few images to fit a linear model' };
    return judge(bench, experiment);
  },
};

const ADVICE = 'look at some images beside their labels, and at how the two are paired when they are read';

function judge(bench: Workbench, experiment: Experiment): Observation | LeftOut {
  const { fitted, guess, needed } = experiment;
  const images = experiment.heldOut.length;
  const right = rightAnswersOf(bench, experiment);
  const of = `of ${images.toLocaleString('en-US')} held-out images`;
  const expected = `a linear model of colours and edges is right for at least ${share(needed, images)} ${of}, where a guess is for ${share(guess, images)}`;
  const seen = `it is right for ${share(right, images)} ${of}`;
  if (right >= needed) return passed(expected, seen);
  const isLikeAGuess = tailOf(right, images, guess / images) > LIKE_A_GUESS;
  const why = isLikeAGuess ? suspicion(bench, experiment) : '';
  if (why === '' && !canDecide(experiment)) {
    return {
      leftOut:
        `a linear model of ${count(fitted.length, 'image')} is right for ${share(right, images)} ${of}, a guess for ${share(guess, images)}: ` +
        (needed > images
          ? 'one class is too common to tell'
          : `only ${share(needed, images)} would be no chance`),
    };
  }
  return found(isLikeAGuess ? 'fail' : 'warn', { expected, seen: `${seen}${why}`, advice: ADVICE });
}

interface Experiment {
  readonly fitted: Uint32Array;
  readonly heldOut: Uint32Array;
  readonly features: Features;
  /** Held-out images of the commonest class: for so many is a guess right. */
  readonly guess: number;
  /** From so many on, right answers are no chance. */
  readonly needed: number;
}

/** Whether a linear model that is no better than a guess says something against the labels. */
function canDecide({ fitted, heldOut, guess, needed }: Experiment): boolean {
  return fitted.length >= FEWEST_FITTED && needed - guess <= MOST_RISE * (heldOut.length - guess);
}

/** Held-out images are the validation images; without any, training images that are not fitted. */
function experimentOf({ subject: { data } }: Workbench): Experiment | undefined {
  const { set, split } = data;
  const all = split.training;
  const hasValidation = split.validation.length >= FEWEST_SAMPLES;
  const heldOut = hasValidation
    ? split.validation.subarray(0, HELD_OUT)
    : all.subarray(Math.max(Math.floor((2 * all.length) / 3), all.length - HELD_OUT));
  const fitted = all.subarray(0, Math.min(FITTED, hasValidation ? all.length : all.length - heldOut.length));
  if (fitted.length < FEWEST_SAMPLES || heldOut.length < FEWEST_SAMPLES / 2) return undefined;
  const counts = countLabels(labelsFor(set, heldOut), set.classNames.length);
  const guess = Math.max(...counts);
  const needed = leastBeyond(heldOut.length, guess / heldOut.length, BEYOND_CHANCE);
  const grid = gridFor(set.imageShape, fitted.length, SAMPLES_PER_FEATURE);
  const features = together([cellMeans(set.imageShape, grid), edges(set.imageShape)]);
  return { fitted, heldOut, features, guess, needed };
}

/** @param place how far from an image its label is looked for, in the order of the set */
function rightAnswersOf(bench: Workbench, experiment: Experiment, place = 0): number {
  const { answers, truths } = answersTo(bench, experiment, place);
  return countEqual(answers, truths);
}

function answersTo(
  { subject: { data } }: Workbench,
  { fitted, heldOut, features }: Experiment,
  place: number,
): { readonly answers: Uint8Array; readonly truths: Uint8Array } {
  const { set } = data;
  const labelOf = (sample: number): number =>
    set.labelOf((sample + place + set.sampleCount) % set.sampleCount);
  const outputs = linearOutputs(set, fitLinear(set, { samples: fitted, labelOf, features }));
  return {
    answers: Uint8Array.from(heldOut, (sample) => {
      const row = outputs(sample);
      return row.indexOf(Math.max(...row));
    }),
    truths: Uint8Array.from(heldOut, labelOf),
  };
}

function countEqual(a: Uint8Array, b: Uint8Array): number {
  return a.filter((value, index) => value === b[index]).length;
}

/** What labels that are wrong in one of the two usual ways look like. */
function suspicion(bench: Workbench, experiment: Experiment): string {
  const classCount = bench.subject.model.classCount;
  const { answers, truths } = answersTo(bench, experiment, 0);
  for (let shift = 1; shift < classCount; shift++) {
    const shifted = answers.map((label) => (label + shift) % classCount);
    const right = countEqual(shifted, truths);
    if (right >= experiment.needed) {
      const moved = shift <= classCount / 2 ? shift : shift - classCount;
      return `; for ${share(right, truths.length)} if ${moved} is added to its answers: labels are off by ${Math.abs(moved)} in one of the two parts`;
    }
  }
  for (const place of [1, -1]) {
    const right = rightAnswersOf(bench, experiment, place);
    if (right >= experiment.needed) {
      return `; for ${share(right, experiment.heldOut.length)} with the label of the image ${place === 1 ? 'after' : 'before'} it: labels are off by one place`;
    }
  }
  return '';
}

/** @returns nothing to object to: undefined */
async function knownLabels(bench: Workbench): Promise<Observation | undefined> {
  const { classNames } = bench.subject.data.set;
  if (String(classNames) !== String(formatOf('cifar10').classNames)) return undefined;
  const { training, validation } = await scanOf(bench);
  const known = [...training, ...validation].flatMap(({ digest, label }) => {
    const right = KNOWN_IMAGES.get(digest);
    return right === undefined ? [] : [{ label, right }];
  });
  const wrong = known.filter(({ label, right }) => label !== right);
  const [first] = wrong;
  if (!first) return undefined;
  const shifts = new Set(
    wrong.map(({ label, right }) => (label - right + classNames.length) % classNames.length),
  );
  const [shift] = shifts;
  const isShifted = wrong.length === known.length && shifts.size === 1;
  return found('fail', {
    expected: `the classes of ${known.length} images of CIFAR-10 that Lockstep knows`,
    seen: isShifted
      ? `all their labels are off by ${shift}: a ${classNames[first.right]!} is called ${classNames[first.label]!}`
      : `${wrong.length} have another: a ${classNames[first.right]!} is called ${classNames[first.label]!}`,
    advice: ADVICE,
  });
}

function share(part: number, whole: number): string {
  return `${part.toLocaleString('en-US')} (${percent(part / whole)})`;
}

export function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}
