/**
 * Loads from device to workgroup memory, written out and without branches: a thread can have several under way at once. On
 * an NVIDIA H200 half-precision convolutions took 0.6 of the time that they took in loops with a branch for the border.
 */

import { indices } from './kernelSource.js';

export interface Fetches {
  /** Prefix of the WGSL variables. */
  readonly name: string;
  readonly type: 'vec4f' | 'vec4u';
  /** Loads of all threads together. */
  readonly count: number;
  readonly threads: number;
  /** WGSL: statements, and then the loaded value, of load `index`. Every index below `count` is safe to load. */
  readonly statements: string;
  readonly value: string;
  /** Statements that store `value` as load `index`. */
  readonly put: (value: string) => string;
  /** The most loads of a thread that are in registers at once; more take several rounds. Left out: 6. */
  readonly mostTogether?: number | undefined;
}

const MOST_TOGETHER = 6;

/** All loads, a few at a time. */
export function fetchAndPut(fetches: Fetches): string {
  const { name, type, count, threads, mostTogether = MOST_TOGETHER } = fetches;
  const shares = Math.ceil(count / threads);
  const rounds = Math.ceil(shares / mostTogether);
  const together = indices(Math.ceil(shares / rounds));
  const first = rounds === 1 ? 'thread' : 'first';
  const perRound = together.length * threads;
  const body = [
    ...together.map((share) => `var ${name}${share} = ${type}();`),
    ...together.map((share) => fetchOf(fetches, share, first, rounds)),
    ...together.map((share) => putOf(fetches, share, first, rounds)),
  ].join('\n');
  if (rounds === 1) return `{\n${body}\n}`;
  return `for (var first = thread; first < ${count}u; first += ${perRound}u) {\n${body}\n}`;
}

/** The same in pieces, to compute between them. */
export function declareFetches(fetches: Fetches): string {
  return sharesOf(fetches)
    .map((share) => `var ${fetches.name}${share} = ${fetches.type}();`)
    .join('\n');
}

export function fetchAll(fetches: Fetches): string {
  return sharesOf(fetches)
    .map((share) => fetchOf(fetches, share, 'thread', 1))
    .join('\n');
}

export function putAll(fetches: Fetches): string {
  return sharesOf(fetches)
    .map((share) => putOf(fetches, share, 'thread', 1))
    .join('\n');
}

const sharesOf = ({ count, threads }: Fetches): number[] => indices(Math.ceil(count / threads));

/** Whether every thread has this load in each round. */
const isWhole = ({ count, threads }: Fetches, share: number, rounds: number): boolean =>
  rounds === 1 ? (share + 1) * threads <= count : false;

/** Without a branch, so that no load waits for the one before: threads beyond the end load the last vector once more. */
function fetchOf(fetches: Fetches, share: number, first: string, rounds: number): string {
  const { name, count, threads, statements, value } = fetches;
  const at = `${first} + ${share * threads}u`;
  const index = isWhole(fetches, share, rounds) ? at : `min(${at}, ${count - 1}u)`;
  return `{
let index = ${index};
${statements}
${name}${share} = ${value};
}`;
}

function putOf(fetches: Fetches, share: number, first: string, rounds: number): string {
  const { name, count, threads } = fetches;
  const at = `${first} + ${share * threads}u`;
  const guard = isWhole(fetches, share, rounds) ? '' : `if (${at} < ${count}u) `;
  return `${guard}{
let index = ${at};
${fetches.put(`${name}${share}`)}
}`;
}
