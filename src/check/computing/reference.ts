/** The engine's forward pass agrees with that of a plain reference. */

import { found, passed } from '../finding.js';
import type { Check } from '../finding.js';
import { isFiniteProbe, PROBE_NOT_FINITE, probeOf, referenceProbeOf } from './probe.js';

/** Two orders of addition differ by less in a network of a hundred layers; a wrong formula by far more. */
const TOLERANCE = 1e-2;

export const reference: Check = {
  name: 'reference',
  group: 'computing',
  about: "the engine's logits, loss and statistics are those of the reference engine",
  run: async (bench) => {
    const { name } = bench.subject.computing.description;
    if (!bench.subject.computing.loadReference) return { leftOut: `engine ${name} is the reference` };
    const [mine, other] = [await probeOf(bench), await referenceProbeOf(bench)];
    if (!isFiniteProbe(mine) && !isFiniteProbe(other)) return { leftOut: PROBE_NOT_FINITE };
    const difference = Math.max(
      relativeDistance(mine.evaluation.logits, other.evaluation.logits),
      relativeDistance(mine.gradient.batchStatistics, other.gradient.batchStatistics),
      relativeDistance([mine.gradient.lossSum], [other.gradient.lossSum]),
    );
    const expected = `logits, loss and statistics of ${mine.batch.labels.length} images as the reference engine has them`;
    const seen = Number.isFinite(difference)
      ? `they differ by ${difference.toExponential(1)} of their size at most`
      : 'one of the two is not finite';
    if (difference < TOLERANCE) return passed(expected, seen);
    return found('fail', {
      expected,
      seen,
      advice: ['report it with this output; meanwhile use ', { option: 'engine', value: 'wasm' }],
    });
  },
};

/** |a - b| / |b|, as vectors. */
export function relativeDistance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let apart = 0;
  let size = 0;
  for (let index = 0; index < b.length; index++) {
    apart += (a[index]! - b[index]!) ** 2;
    size += b[index]! ** 2;
  }
  if (apart === 0) return 0;
  return Math.sqrt(apart / size);
}
