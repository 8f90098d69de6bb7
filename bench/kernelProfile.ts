/** Time, arithmetic and memory traffic of the simd engine's kernels, derived from their names and arguments. */

import type { Kernel, KernelObserver } from '../src/engine/simd/kernels/library.js';
import { sum } from './statistics.js';

/** The backward pass computes some of the forward pass again instead of keeping it, so one kernel may serve both. */
const PASSES = ['forward', 'backward'] as const;
export type Pass = (typeof PASSES)[number];

export interface ProfileRow {
  /** A kind of kernel, or one kernel's name. */
  readonly name: string;
  readonly pass: Pass;
  /** Per micro-batch: the lower quartile of a call's times, times the calls, so that pauses do not count. */
  readonly milliseconds: number;
  readonly calls: number;
  /** Null for a kernel that only moves data, or only computes. */
  readonly gflops: number | null;
  readonly gigabytesPerSecond: number | null;
}

interface Work {
  readonly flops: number;
  readonly bytes: number;
}

interface Calls {
  readonly name: string;
  readonly pass: Pass;
  readonly durationsMs: number[];
  work: Work; // of all calls together
}

/** Kinds by the prefix of a kernel's name; the first match counts. */
const KINDS: readonly (readonly [string, string])[] = [
  ['V U', 'Winograd product of weights'],
  ['Vt M', 'Winograd product, weight gradient'],
  ['Bt d B', 'Winograd transform of inputs'],
  ['At m A', 'Winograd transform to outputs'],
  ['A y At', 'Winograd transform of output gradients'],
  ['B x Bt', 'Winograd transform to input gradients'],
  ['G', 'Winograd transforms of weights'],
  ['direct dw', 'direct convolution, weight gradient'],
  ['direct dx', 'direct convolution, input gradient'],
  ['direct', 'direct convolution'],
  ['moments', 'batch normalisation, moments'],
  ['normalisation dx', 'batch normalisation, input gradient'],
  ['forward', 'batch normalisation, sum and activation'],
  ['gradient', 'activation, sum and sums for normalisation'],
  ['shortcut', 'shortcut'],
  ['pool', 'pooling'],
  ['max-pool', 'pooling by windows'],
  ['average-pool', 'pooling by windows'],
  ['dx ', 'pooling by windows, gradient'],
  ['channel sums', 'gradient of a bias'],
];

const OTHER = 'other';
/** Kernels of this name run only in the backward pass, and one of them begins it. */
const BACKWARD = 'gradient';

export class KernelProfile {
  private readonly calls: Calls[] = [];
  private pass: Pass = 'forward';

  readonly observe: KernelObserver = (name, run) => {
    const calls: Readonly<Record<Pass, Calls>> = {
      forward: this.newCalls(name, 'forward'),
      backward: this.newCalls(name, 'backward'),
    };
    const timed: Kernel['run'] = (...parameters) => {
      if (name.startsWith(BACKWARD)) this.pass = 'backward';
      const start = performance.now();
      run(...parameters);
      const milliseconds = performance.now() - start;
      const of = calls[this.pass];
      of.durationsMs.push(milliseconds);
      const { flops, bytes } = workOf(name, parameters);
      of.work = { flops: of.work.flops + flops, bytes: of.work.bytes + bytes };
    };
    return timed;
  };

  /** Call before each gradient: kernels do not show that a forward pass begins. */
  startMicroBatch(): void {
    this.pass = 'forward';
  }

  clear(): void {
    for (const calls of this.calls) {
      calls.durationsMs.length = 0;
      calls.work = { flops: 0, bytes: 0 };
    }
  }

  /** Per micro-batch, by kind of kernel and pass. */
  kinds(repetitions: number): ProfileRow[] {
    return [...KINDS, [undefined, OTHER] as const].flatMap(([beginning, kind]) =>
      PASSES.map((pass) => {
        const isMember = (calls: Calls): boolean =>
          calls.pass === pass &&
          KINDS.find(([candidate]) => calls.name.startsWith(candidate))?.[0] === beginning;
        return rowOf(kind, pass, this.calls.filter(isMember), repetitions);
      }).filter(({ calls }) => calls > 0),
    );
  }

  /** Per micro-batch, by kernel (so by the shape of its layers) and pass; longest first. */
  kernels(repetitions: number): ProfileRow[] {
    return this.calls
      .map((calls) => rowOf(calls.name, calls.pass, [calls], repetitions))
      .filter(({ calls }) => calls > 0)
      .sort((a, b) => b.milliseconds - a.milliseconds);
  }

  private newCalls(name: string, pass: Pass): Calls {
    const calls: Calls = { name, pass, durationsMs: [], work: { flops: 0, bytes: 0 } };
    this.calls.push(calls);
    return calls;
  }
}

function rowOf(name: string, pass: Pass, members: readonly Calls[], repetitions: number): ProfileRow {
  const total = (of: (calls: Calls) => number): number => sum(members.map(of)) / repetitions;
  const milliseconds = total(({ durationsMs }) => lowerQuartile(durationsMs) * durationsMs.length);
  const rate = (amount: number): number | null => (amount > 0 ? amount / milliseconds / 1e6 : null);
  return {
    name,
    pass,
    milliseconds,
    calls: Math.round(total(({ durationsMs }) => durationsMs.length)),
    gflops: rate(total(({ work }) => work.flops)),
    gigabytesPerSecond: rate(total(({ work }) => work.bytes)),
  };
}

function lowerQuartile(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 4)] ?? 0;
}

/** The work of one call: multiplications and additions of products; bytes read and written by passes over pixels. */
function workOf(name: string, parameters: readonly number[]): Work {
  const [height, width, channels] = numbersIn(name);
  const mapBytes = 4 * height! * width! * channels!;
  const count = (index: number): number => parameters[index] ?? 0;
  const isStrided = name.includes(' /2');
  if (name.startsWith('V U') || name.startsWith('Vt M')) {
    const [inputs, outputs] = numbersIn(name);
    const tilesOfGroup = Number(/groups of (\d+)/.exec(name)?.[1] ?? 1);
    const tiles = name.startsWith('V U') ? 4 * count(3) : tilesOfGroup * count(3);
    return { flops: (isStrided ? 81 : 36) * 2 * inputs! * outputs! * tiles, bytes: 0 };
  }
  if (name.startsWith('direct')) {
    const [, , inputs, outputHeight, outputWidth, outputs, , side] = numbersIn(name);
    return {
      flops: 2 * side! * side! * inputs! * outputs! * outputHeight! * outputWidth! * count(3),
      bytes: 0,
    };
  }
  const isOfInputs = name.startsWith('Bt d B') || name.startsWith('B x Bt');
  if (isOfInputs || name.startsWith('At') || name.startsWith('A y')) {
    const pixelsOfTile = isStrided && isOfInputs ? 64 : 16;
    const domainBytes = ((isStrided ? 81 : 36) / pixelsOfTile) * mapBytes;
    return { flops: 0, bytes: (mapBytes + domainBytes) * count(2) };
  }
  if (name.startsWith('moments')) return { flops: 0, bytes: 2 * mapBytes * count(2) };
  if (name.startsWith('normalisation')) return { flops: 0, bytes: 3 * mapBytes * count(4) };
  if (name.startsWith('forward')) {
    return { flops: 0, bytes: (/ addend\b/.test(name) ? 3 : 2) * mapBytes * count(4) };
  }
  if (name.startsWith('gradient')) {
    const isRead = [/ addend/, /results/, /sums|normalised/].filter((stream) => stream.test(name)).length;
    return { flops: 0, bytes: (2 + isRead) * mapBytes * count(7) };
  }
  return { flops: 0, bytes: 0 };
}

const numbersIn = (name: string): number[] => (name.match(/\d+/g) ?? []).map(Number);
