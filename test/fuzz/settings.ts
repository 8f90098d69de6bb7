/** How much, and from which seed: set by the environment, so that a run can be repeated or made longer. */

function fromEnvironment(name: string, fallback: number): number {
  const value = Number(process.env[name] ?? fallback);
  if (!Number.isSafeInteger(value) || value < 0) throw new Error(`${name} must be a whole number`);
  return value;
}

export const SEED = fromEnvironment('LOCKSTEP_FUZZ_SEED', 1);
export const FRAMES = fromEnvironment('LOCKSTEP_FUZZ_FRAMES', 200_000);
export const VISITS = fromEnvironment('LOCKSTEP_FUZZ_VISITS', 20_000);

export const REPEAT = `LOCKSTEP_FUZZ_SEED=${SEED} LOCKSTEP_FUZZ_FRAMES=${FRAMES} LOCKSTEP_FUZZ_VISITS=${VISITS} npm run test:fuzz`;
