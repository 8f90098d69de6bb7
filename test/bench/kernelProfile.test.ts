import { describe, expect, it } from 'vitest';
import { KernelProfile } from '../../bench/kernelProfile.js';

describe('KernelProfile', () => {
  it('tells the passes apart by the first kernel that only the backward pass has', () => {
    const profile = new KernelProfile();
    const nothing = (): void => undefined;
    const product = profile.observe('V U 16x32 /1 1088 1088', nothing);
    const gradient = profile.observe('gradient 8x8x64 mask=none', nothing);
    profile.startMicroBatch();
    product(0, 0, 0, 1);
    product(0, 0, 0, 1);
    gradient(0, 0, 0, 0, 0, 0, 0, 1);
    product(0, 0, 0, 1);
    profile.startMicroBatch();
    product(0, 0, 0, 1);
    product(0, 0, 0, 1);
    gradient(0, 0, 0, 0, 0, 0, 0, 1);
    product(0, 0, 0, 1);
    const calls = profile.kinds(2).map(({ name, pass, calls }) => [name, pass, calls]);
    expect(calls).toEqual([
      ['Winograd product of weights', 'forward', 2],
      ['Winograd product of weights', 'backward', 1],
      ['activation, sum and sums for normalisation', 'backward', 1],
    ]);
  });

  it('counts 36 products of 16 by 32 channels for each of four tiles', () => {
    const profile = new KernelProfile();
    const product = profile.observe('V U 16x32 /1 1088 1088', () => {
      const end = performance.now() + 1;
      while (performance.now() < end);
    });
    product(0, 0, 0, 5);
    const [row] = profile.kernels(1);
    const flops = row!.gflops! * row!.milliseconds * 1e6;
    expect(flops).toBeCloseTo(36 * 2 * 16 * 32 * 4 * 5, 0);
  });
});
