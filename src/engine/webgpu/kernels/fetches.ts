/**
 * Loads from device to workgroup memory, written out and without branches: a thread can have several under way at once. On
 * an NVIDIA H200 half-precision convolutions took 0.6 of the time that they took in loops with a branch for the border.
 */

import type { ActivationShape } from '../../../model/index.js';
import { repeat } from './kernelSource.js';
import { nearestInside } from './shapes.js';

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

/** Consecutive loads of each thread. */
interface Round {
  /** WGSL: the first load of the thread. */
  readonly first: string;
  /** Loads of the thread. */
  readonly shares: number;
  /** Whether all threads have load `share`. */
  readonly isWhole: (share: number) => boolean;
}

const onlyRound = ({ count, threads }: Fetches): Round => ({
  first: 'thread',
  shares: Math.ceil(count / threads),
  isWhole: (share) => (share + 1) * threads <= count,
});

/** All loads, a few at a time. */
export function fetchAndPut(fetches: Fetches): string {
  const { count, threads, mostTogether = MOST_TOGETHER } = fetches;
  const only = onlyRound(fetches);
  const rounds = Math.ceil(only.shares / mostTogether);
  if (rounds === 1) return `{\n${inOneGo(fetches, only)}\n}`;
  const round: Round = { first: 'first', shares: Math.ceil(only.shares / rounds), isWhole: () => false };
  return `for (var first = thread; first < ${count}u; first += ${round.shares * threads}u) {
${inOneGo(fetches, round)}
}`;
}

const inOneGo = (fetches: Fetches, round: Round): string =>
  [declared(fetches, round), fetched(fetches, round), put(fetches, round)].join('\n');

/** The same in pieces, to compute between them. */
export const declareFetches = (fetches: Fetches): string => declared(fetches, onlyRound(fetches));
export const fetchAll = (fetches: Fetches): string => fetched(fetches, onlyRound(fetches));
export const putAll = (fetches: Fetches): string => put(fetches, onlyRound(fetches));

const declared = ({ name, type }: Fetches, { shares }: Round): string =>
  repeat(shares, (share) => `var ${name}${share} = ${type}();`);

/** Without a branch, so that no load waits for the one before: threads beyond the end load the last vector once more. */
function fetched({ name, count, threads, statements, value }: Fetches, round: Round): string {
  return repeat(round.shares, (share) => {
    const at = `${round.first} + ${share * threads}u`;
    return `{
let index = ${round.isWhole(share) ? at : `min(${at}, ${count - 1}u)`};
${statements}
${name}${share} = ${value};
}`;
  });
}

function put({ name, count, threads, put: putOne }: Fetches, round: Round): string {
  return repeat(round.shares, (share) => {
    const at = `${round.first} + ${share * threads}u`;
    return `${round.isWhole(share) ? '' : `if (${at} < ${count}u) `}{
let index = ${at};
${putOne(`${name}${share}`)}
}`;
  });
}

export interface BorderedRead {
  /** The reading's function. */
  readonly read: string;
  readonly shape: ActivationShape;
  /** WGSL statements that set `row` and `column` for load `index`; below zero they wrap around, and are then outside. */
  readonly position: string;
  /** WGSL. */
  readonly quad: string;
  /** WGSL of an image that exists; left out: the variable `image`. */
  readonly image?: string;
  /** WGSL behind the value that was read. */
  readonly factor?: string;
  /** WGSL conditions without which the value is zero, too. */
  readonly conditions?: readonly string[];
}

/** What a load reads: a vector of the image, or zero outside of it, where the nearest one inside is read for nothing. */
export function borderedRead(options: BorderedRead): Pick<Fetches, 'statements' | 'value'> {
  const { read, shape, position, quad, image = 'image', factor = '', conditions = [] } = options;
  const inside = [`row < ${shape.height}u`, `column < ${shape.width}u`, ...conditions];
  return {
    statements: `${position}
let loaded = ${read}(${image}, ${nearestInside('row', 'column', shape)}, ${quad})${factor};`,
    value: `select(vec4f(), loaded, ${inside.join(' && ')})`,
  };
}
