/** From the curve of a range test to a rate, with the reasons for it and for distrusting it. */

import type { RangeTest, RatePoint } from './rangeTest.js';

export interface SmoothedPoint extends RatePoint {
  readonly smoothed: number;
}

export interface Suggestion {
  readonly points: readonly SmoothedPoint[];
  /** Null: the curve says nothing. */
  readonly lr: number | null;
  readonly reason: string;
  /** Why it may be wrong. */
  readonly warnings: readonly string[];
  /** Where the loss falls fastest, for equal factors of the rate. */
  readonly steepestAt: number | null;
  readonly lowestAt: number | null;
  readonly divergedAt: number | null;
}

/** Points on each side of one that are averaged with it. */
const REACH = 6;
/** A slope is taken over this many on each side. */
const SLOPE_REACH = 10;
/** Over a wide range of rates the loss falls at about the same pace: the highest of them learns most in a step. */
const NEARLY = 0.7;
const FEWEST_POINTS = 3 * SLOPE_REACH;
/** A fall of less than this share of the first loss is noise. */
const LEAST_FALL = 0.05;
/** One of less than this share is none. */
const FLAT = 0.01;
/** Near its lowest point the curve is flat: a loss that lies above it by less than this share of the fall is as low. */
const AS_LOW = 0.05;
/** As many times below the rate at which it diverges. */
const MARGIN = 2;
const NOISY = 0.5;

export function suggestRate({ points: raw, divergedAt, guess }: RangeTest): Suggestion {
  const points = smooth(raw);
  if (points.length < FEWEST_POINTS) {
    return nothing(points, divergedAt, `it diverged after ${points.length} steps: begin with a lower rate`);
  }
  // Single losses differ; and a fall to the loss of a guess only makes the first logits smaller.
  const first = mean(points.slice(0, REACH).map(({ loss }) => loss));
  const start = Math.min(guess, first);
  const inner = points.slice(REACH, -REACH); // nearer to an end there is less to average
  const lowest = inner.reduce((best, point) => (point.smoothed < best.smoothed ? point : best));
  const fall = start - lowest.smoothed;
  if (fall < LEAST_FALL * start) {
    return nothing(points, divergedAt, tooLittle(points.length, first, lowest.smoothed));
  }
  const learning = points.findIndex(({ smoothed }) => smoothed <= guess);
  const highest = highestAsLow(inner, lowest, fall);
  const descent = descentOf(points.slice(0, Math.max(lowest.step + SLOPE_REACH, FEWEST_POINTS)), learning);
  return {
    points,
    lr: rounded(divergedAt === null ? highest.lr : Math.min(highest.lr, divergedAt / MARGIN)),
    reason: reasonOf({ lowest, highest, divergedAt }),
    warnings: warningsOf(points, { descent, lowest, highest, fall, divergedAt }),
    steepestAt: descent.steepest.lr,
    lowestAt: lowest.lr,
    divergedAt,
  };
}

/** The last point after the lowest up to which all are nearly as low: of rates that learn alike, the highest learns most in a step. */
function highestAsLow(points: readonly SmoothedPoint[], lowest: SmoothedPoint, fall: number): SmoothedPoint {
  const from = points.indexOf(lowest);
  const above = points.slice(from).findIndex(({ smoothed }) => smoothed > lowest.smoothed + AS_LOW * fall);
  return above === -1 ? points.at(-1)! : points[from + above - 1]!;
}

interface Bounds {
  readonly lowest: SmoothedPoint;
  readonly highest: SmoothedPoint;
  readonly divergedAt: number | null;
}

function reasonOf({ lowest, highest, divergedAt }: Bounds): string {
  const least = `the smoothed loss is lowest at ${short(lowest.lr)} and nearly as low up to ${short(highest.lr)}`;
  if (divergedAt === null) return `${least}; it does not diverge`;
  const isAtMargin = highest.lr > divergedAt / MARGIN;
  return `${least}; it diverges at ${short(divergedAt)}${isAtMargin ? ', and the suggestion is half of that' : ''}`;
}

function tooLittle(steps: number, first: number, lowest: number): string {
  if (first - lowest < FLAT * first) return 'the loss never fell: the network learns at none of these rates';
  return `the loss fell too little to tell, from ${first.toFixed(3)} to ${lowest.toFixed(3)}: ${steps} steps are too few, or too noisy; use more steps, or a larger batch`;
}

function nothing(points: readonly SmoothedPoint[], divergedAt: number | null, why: string): Suggestion {
  return { points, lr: null, reason: why, warnings: [], steepestAt: null, lowestAt: null, divergedAt };
}

interface Curve extends Bounds {
  readonly descent: Descent;
  readonly fall: number;
}

function warningsOf(
  points: readonly SmoothedPoint[],
  { descent, lowest, highest, fall, divergedAt }: Curve,
): readonly string[] {
  const warnings: string[] = [];
  // A loss may fall up to the step before it is not finite: then a higher rate is no better.
  if (divergedAt === null && highest.step > points.length - SLOPE_REACH) {
    const what = lowest.step > points.length - SLOPE_REACH ? 'still falls' : 'is still nearly as low';
    warnings.push(
      `the loss ${what} at ${short(points.at(-1)!.lr)}: a higher rate may be better; test up to a higher one`,
    );
  }
  if (descent.isFromTheStart)
    warnings.push('the loss falls fastest at the lowest rates: begin with a lower one');
  const falling = points.slice(0, lowest.step);
  const noise = Math.sqrt(mean(falling.map(({ loss, smoothed }) => (loss - smoothed) ** 2)));
  if (noise > NOISY * fall)
    warnings.push(
      'the losses of single steps differ more than the curve falls: use a larger batch, or more steps',
    );
  return warnings;
}

/** Means over the neighbours, the nearest weighing most. */
function smooth(points: readonly RatePoint[]): readonly SmoothedPoint[] {
  return points.map((point, at) => {
    let sum = 0;
    let weights = 0;
    const reach = Math.min(REACH, at, points.length - 1 - at); // as many on both sides, so that no slope is made up
    for (let place = -reach; place <= reach; place++) {
      const weight = REACH + 1 - Math.abs(place);
      sum += weight * points[at + place]!.loss;
      weights += weight;
    }
    return { ...point, smoothed: sum / weights };
  });
}

interface Descent {
  /** The highest rate at which the loss falls nearly as fast as anywhere. */
  readonly steepest: SmoothedPoint;
  /** Whether it does so at the lowest rates, too. */
  readonly isFromTheStart: boolean;
}

/** @param learning the first point at which the network knows more than nothing */
function descentOf(points: readonly SmoothedPoint[], learning: number): Descent {
  const slopes = points.map((_, at) => (at < learning ? 0 : slopeAt(points, at)));
  const enough = NEARLY * Math.min(...slopes);
  return {
    steepest: points[slopes.findLastIndex((slope) => slope <= enough)]!,
    isFromTheStart: slopes.slice(0, 2 * REACH).some((slope) => slope <= enough),
  };
}

/** The slope of a line through the neighbours, over the logarithm of the rate; 0 at the ends, which have too few. */
function slopeAt(points: readonly SmoothedPoint[], at: number): number {
  const reach = Math.min(SLOPE_REACH, at, points.length - 1 - at);
  if (reach < SLOPE_REACH / 2) return 0;
  let [products, squares] = [0, 0];
  for (let place = -reach; place <= reach; place++) {
    products += place * points[at + place]!.smoothed;
    squares += place * place;
  }
  return products / squares;
}

/** Two digits: the curve knows no more. */
export function rounded(rate: number): number {
  return Number(rate.toPrecision(2));
}

function short(rate: number): string {
  return rate >= 1e-3 ? String(rounded(rate)) : rate.toExponential(1);
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
