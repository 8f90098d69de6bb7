/**
 * Elementary functions built from + - * / and exact bit operations only. The last bits of Math.log,
 * Math.cos and Math.exp may differ between hosts; IEEE 754 defines these operations exactly, so seeds and schedules give
 * the same bits on every machine and Node version. Accuracy: a few units in the last place of a float64.
 */

const LN2_HIGH = 6.9314718036912381649e-1; // the split of ln 2 of fdlibm's e_log.c: exact when multiplied by an exponent
const LN2_LOW = 1.90821492927058770002e-10;

const floatView = new Float64Array(1);
const wordView = new Uint32Array(floatView.buffer);
const HIGH_WORD = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1 ? 1 : 0; // little-endian hosts keep it second

/** Natural logarithm of a positive, normal float64; NaN stays NaN. */
export function deterministicLog(x: number): number {
  if (Number.isNaN(x)) return x; // taken apart below, it would look like a number near 2^1024
  floatView[0] = x;
  const high = wordView[HIGH_WORD]!;
  let exponent = (high >>> 20) - 1023;
  wordView[HIGH_WORD] = (high & 0x000fffff) | 0x3ff00000;
  let mantissa = floatView[0];
  if (mantissa > Math.SQRT2) {
    mantissa /= 2;
    exponent += 1;
  }
  // log(m) = 2 atanh(s), s = (m - 1) / (m + 1); |s| < 0.172, so eleven odd terms reach float64's precision.
  const s = (mantissa - 1) / (mantissa + 1);
  const square = s * s;
  let series = 0;
  for (let power = 21; power >= 3; power -= 2) series = (series + 1 / power) * square;
  return exponent * LN2_HIGH + (exponent * LN2_LOW + 2 * s * (1 + series));
}

/** cos(pi * x) for x in [0, 1]: for annealing schedules. Exactly 1, 0 and -1 at 0, 1/2 and 1. */
export function cosineOfPiTimes(x: number): number {
  if (x > 0.5) return -cosineOfPiTimes(1 - x);
  if (x > 0.25) return sineSeries(Math.PI * (0.5 - x));
  const angle = Math.PI * x;
  const square = angle * angle;
  let sum = 0;
  for (let term = 20; term >= 2; term -= 2) sum = (1 - sum) * (square / (term * (term - 1)));
  return 1 - sum;
}

function sineSeries(angle: number): number {
  const square = angle * angle;
  let sum = 0;
  for (let term = 21; term >= 3; term -= 2) sum = (1 - sum) * (square / (term * (term - 1)));
  return angle * (1 - sum);
}

const SMALLEST_EXPONENT = -1022; // below this, results are denormal and become zero

/** exp(x) for x <= 0 to a few units in the last place; NaN stays NaN. */
export function exponentialOfNonPositive(x: number): number {
  const exponent = Math.round(x / Math.LN2);
  if (exponent < SMALLEST_EXPONENT) return 0;
  const rest = x - exponent * LN2_HIGH - exponent * LN2_LOW; // |rest| <= 0.35: 16 terms reach float64's precision
  let series = 1;
  for (let term = 16; term >= 1; term--) series = 1 + (series * rest) / term;
  return series * powerOfTwo(exponent);
}

const bitView = new BigUint64Array(floatView.buffer);

/** 2^exponent for normal results, exactly. */
function powerOfTwo(exponent: number): number {
  if (!Number.isFinite(exponent)) return exponent;
  bitView[0] = BigInt(exponent + 1023) << 52n;
  return floatView[0]!;
}
