/** Time, arithmetic and memory traffic of the simd engine's kernels, told from their names and arguments. */

import type { Kernel, KernelObserver } from '../src/engine/simd/kernels/library.js';

export interface ProfileRow {
  readonly kind: string;
  /** Per micro-batch: the lower quartile of a call's times, times the calls, so that pauses do not count. */
  readonly milliseconds: number;
  readonly calls: number;
  readonly gflops: number | undefined;
  readonly gigabytesPerSecond: number | undefined;
}

interface Work {
  readonly flops: number;
  readonly bytes: number;
}

interface Calls {
  readonly name: string;
  readonly durationsMs: number[];
  work: Work; // of all calls together
}

/** Kinds by the beginning of a kernel's name; the first that fits. */
const KINDS: readonly (readonly [string, string])[] = [
  ['V U', 'Winograd product, forward and input gradient'],
  ['Vt M', 'Winograd product, weight gradient'],
  ['Bt d B', 'Winograd transform of inputs'],
  ['At m A', 'Winograd transform to outputs'],
  ['A y At', 'Winograd transform of output gradients'],
  ['B x Bt', 'Winograd transform to input gradients'],
  ['G', 'Winograd transforms of weights'],
  ['direct dw', 'direct convolution, weight gradient'],
  ['direct dx', 'direct convolution, input gradient'],
  ['direct', 'direct convolution, forward'],
  ['moments', 'batch normalisation, moments'],
  ['normalisation dx', 'batch normalisation, input gradient'],
  ['forward', 'batch normalisation, sum and ReLU'],
  ['gradient', 'ReLU, sum and normalisation sums, backward'],
  ['shortcut', 'shortcut'],
  ['pool', 'pooling'],
];

export class KernelProfile {
  private readonly kernels: Calls[] = [];

  readonly observe: KernelObserver = (name, run) => {
    const calls: Calls = { name, durationsMs: [], work: { flops: 0, bytes: 0 } };
    this.kernels.push(calls);
    const timed: Kernel['run'] = (...parameters) => {
      const start = performance.now();
      run(...parameters);
      calls.durationsMs.push(performance.now() - start);
      const { flops, bytes } = workOf(name, parameters);
      calls.work = { flops: calls.work.flops + flops, bytes: calls.work.bytes + bytes };
    };
    return timed;
  };

  clear(): void {
    for (const calls of this.kernels) {
      calls.durationsMs.length = 0;
      calls.work = { flops: 0, bytes: 0 };
    }
  }

  rows(repetitions: number): ProfileRow[] {
    return KINDS.map(([prefix, kind]) => {
      const members = this.kernels.filter(
        ({ name }) => KINDS.find(([beginning]) => name.startsWith(beginning))?.[0] === prefix,
      );
      const total = (of: (calls: Calls) => number): number =>
        members.reduce((sum, calls) => sum + of(calls), 0);
      const milliseconds =
        total(({ durationsMs }) => lowerQuartile(durationsMs) * durationsMs.length) / repetitions;
      const rate = (amount: number): number | undefined =>
        amount > 0 ? amount / repetitions / milliseconds / 1e6 : undefined;
      return {
        kind,
        milliseconds,
        calls: Math.round(total(({ durationsMs }) => durationsMs.length) / repetitions),
        gflops: rate(total(({ work }) => work.flops)),
        gigabytesPerSecond: rate(total(({ work }) => work.bytes)),
      };
    }).filter(({ calls }) => calls > 0);
  }
}

function lowerQuartile(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 4)] ?? 0;
}

/** What one call does: multiplications and additions of products, bytes read and written of the passes over pixels. */
function workOf(name: string, parameters: readonly number[]): Work {
  const [height, width, channels] = numbersIn(name);
  const mapBytes = 4 * height! * width! * channels!;
  const count = (index: number): number => parameters[index] ?? 0;
  const isStrided = name.includes(' /2');
  if (name.startsWith('V U') || name.startsWith('Vt M')) {
    const [inputs, outputs] = numbersIn(name);
    const tiles = name.startsWith('V U') ? 4 * count(3) : count(3);
    return { flops: (isStrided ? 81 : 36) * 2 * inputs! * outputs! * tiles, bytes: 0 };
  }
  if (name.startsWith('direct')) {
    const [, , inputs, outputHeight, outputWidth, outputs] = numbersIn(name);
    return { flops: 2 * 9 * inputs! * outputs! * outputHeight! * outputWidth! * count(3), bytes: 0 };
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
    return { flops: 0, bytes: (name.includes('addend ') ? 3 : 2) * mapBytes * count(4) };
  }
  if (name.startsWith('gradient')) {
    const isRead = [/ addend/, /results/, /sums|normalised/].filter((stream) => stream.test(name)).length;
    return { flops: 0, bytes: (2 + isRead) * mapBytes * count(7) };
  }
  return { flops: 0, bytes: 0 };
}

const numbersIn = (name: string): number[] => (name.match(/\d+/g) ?? []).map(Number);
