/** What a guess reaches by chance: tails of the binomial distribution. */

/** The chance that at least `least` of `trials` succeed, each with the same chance. */
export function tailOf(least: number, trials: number, chance: number): number {
  if (least <= 0) return 1;
  if (chance >= 1) return least <= trials ? 1 : 0;
  let logTerm = trials * Math.log1p(-chance);
  const odds = Math.log(chance) - Math.log1p(-chance);
  let tail = 0;
  for (let successes = 0; successes <= trials; successes++) {
    if (successes >= least) tail += Math.exp(logTerm);
    logTerm += Math.log(trials - successes) - Math.log(successes + 1) + odds;
  }
  return Math.min(1, tail);
}

/** The least number of successes whose tail is at most that; one more than the trials if there is none. */
export function leastBeyond(trials: number, chance: number, tail: number): number {
  let least = 0;
  while (least <= trials && tailOf(least, trials, chance) > tail) least++;
  return least;
}
