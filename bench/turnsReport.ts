/** The measurements of turns.ts as text. */

import { renderTable } from './table.js';
import type { TurnsOptions, TurnsRow } from './turns.js';

export function turnsText(
  title: string,
  rows: readonly TurnsRow[],
  { rounds, turnMs }: Pick<TurnsOptions, 'rounds' | 'turnMs'>,
): string {
  const table = renderTable(
    ['case', 'images', 'lockstep ms', 'GFLOP/s', 'PyTorch ms', 'GFLOP/s', 'ratio', 'arena MB'],
    rows.map(({ name, images, flops, lockstep, peer, ratio, arenaBytes }) => [
      name,
      images,
      lockstep.median.toFixed(2),
      (flops / lockstep.median / 1e6).toFixed(1),
      peer?.median.toFixed(2) ?? null,
      peer && (flops / peer.median / 1e6).toFixed(1),
      ratio?.toFixed(2) ?? null,
      (arenaBytes / 1e6).toFixed(1),
    ]),
  );
  return [
    `${title}, simd and PyTorch channels-last, one thread each on the same core, in turns of ${turnMs} ms, ${rounds} rounds`,
    '',
    table,
    '',
    'ms       processor time of a gradient (forward and backward of one micro-batch), median',
    'GFLOP/s  as direct convolution counts them',
    "ratio    PyTorch's time divided by Lockstep's: above 1 Lockstep is faster",
  ].join('\n');
}
