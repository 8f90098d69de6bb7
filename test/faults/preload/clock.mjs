/**
 * Throws this process's wall clock back and forth, as an administrator, a virtual machine or a bad time server does:
 * LOCKSTEP_TEST_CLOCK="seed,hours". The monotonic clock goes on, as it does on a real machine.
 */

const [seed, hours] = (process.env['LOCKSTEP_TEST_CLOCK'] ?? '1,48').split(',').map(Number);
const RealDate = Date;
const READINGS_A_JUMP = 7;
let readings = 0;
let state = seed >>> 0 || 1;
let offsetMs = 0;

/** xorshift32: all that is wanted is another jump for another seed. */
function draw() {
  state ^= state << 13;
  state ^= state >>> 17;
  state ^= state << 5;
  return (state >>> 0) / 2 ** 32;
}

function now() {
  if (readings++ % READINGS_A_JUMP === 0) offsetMs = Math.round((2 * draw() - 1) * hours * 3_600_000);
  return RealDate.now() + offsetMs;
}

globalThis.Date = class Date extends RealDate {
  constructor(...given) {
    super(...(given.length === 0 ? [now()] : given));
  }

  static now() {
    return now();
  }
};
