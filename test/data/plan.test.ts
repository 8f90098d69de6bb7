import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { planEpoch, planEvaluation, stepsPerEpoch } from '../../src/data/index.js';
import type { EpochPlan } from '../../src/data/index.js';

const samplesOf = (plan: EpochPlan): number[] =>
  plan.steps.flatMap((step) => step.microBatches.flatMap((microBatch) => [...microBatch.samples]));

describe('planEpoch', () => {
  it('holds each sample exactly once, and only the last of each kind is smaller', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.nat({ max: 49_999 }), { minLength: 1, maxLength: 200 }),
        fc.integer({ min: 1, max: 64 }),
        fc.nat(),
        fc.nat({ max: 300 }),
        (indices, batchSize, size, epoch) => {
          const microBatchSize = 1 + (size % batchSize);
          const trainingIndices = Uint32Array.from(indices);
          const plan = planEpoch({ trainingIndices, seed: 1, epoch, batchSize, microBatchSize });
          expect(samplesOf(plan).sort()).toEqual([...indices].sort());
          expect(plan.steps.length).toBe(stepsPerEpoch(indices.length, batchSize));
          plan.steps.forEach((step, index) => {
            const isLastStep = index === plan.steps.length - 1;
            expect(step.stepInEpoch).toBe(index);
            expect(step.sampleCount).toBe(isLastStep ? indices.length - index * batchSize : batchSize);
            expect(step.microBatches.reduce((sum, { samples }) => sum + samples.length, 0)).toBe(
              step.sampleCount,
            );
            step.microBatches.forEach(({ samples }, at) => {
              if (at < step.microBatches.length - 1) expect(samples.length).toBe(microBatchSize);
              expect(samples.length).toBeGreaterThan(0);
            });
          });
        },
      ),
    );
  });

  it('depends on seed and epoch alone, and shuffles anew in each epoch', () => {
    const trainingIndices = Uint32Array.from({ length: 300 }, (_, index) => 7 * index);
    const options = { trainingIndices, seed: 1, epoch: 0, batchSize: 128, microBatchSize: 32 };
    expect(planEpoch(options)).toEqual(planEpoch(options));
    const orders = [options, { ...options, epoch: 1 }, { ...options, seed: 2 }].map((each) =>
      String(samplesOf(planEpoch(each))),
    );
    expect(new Set(orders).size).toBe(3);
  });

  it('has the sizes of the default run: 352 steps of 4 micro-batches, the last of 72 samples', () => {
    const trainingIndices = Uint32Array.from({ length: 45_000 }, (_, index) => index);
    const plan = planEpoch({ trainingIndices, seed: 1, epoch: 0, batchSize: 128, microBatchSize: 32 });
    expect(plan.steps.length).toBe(352);
    expect(plan.steps[0]!.microBatches.map(({ samples }) => samples.length)).toEqual([32, 32, 32, 32]);
    expect(plan.steps[351]!.microBatches.map(({ samples }) => samples.length)).toEqual([32, 32, 8]);
  });

  it.each([
    [0, 32, /batchSize 0 must be a positive integer; use batchSize 128/],
    [128, 1.5, /microBatch 1.5 must be a positive integer; use microBatch 32/],
    [16, 32, /microBatch 32 must not exceed batchSize 16; use microBatch 16/],
  ])('refuses batches of %d in micro-batches of %d', (batchSize, microBatchSize, message) => {
    const trainingIndices = new Uint32Array(10);
    expect(() => planEpoch({ trainingIndices, seed: 1, epoch: 0, batchSize, microBatchSize })).toThrow(
      message,
    );
  });
});

describe('planEvaluation', () => {
  it('cuts in order, and keeps the rest', () => {
    const chunks = planEvaluation(Uint32Array.of(5, 3, 9, 1, 7), 2);
    expect(chunks.map((chunk) => [...chunk])).toEqual([[5, 3], [9, 1], [7]]);
    expect(planEvaluation(new Uint32Array(0), 2)).toEqual([]);
    expect(() => planEvaluation(new Uint32Array(1), 0)).toThrow(/a chunk of 0 samples/);
  });
});

it('leaves out the samples of an unfilled last step if asked', () => {
  const trainingIndices = Uint32Array.from({ length: 70 }, (_, index) => index);
  const options = { trainingIndices, seed: 1, epoch: 3, batchSize: 32, microBatchSize: 8 };
  const [all, dropped] = [planEpoch(options), planEpoch({ ...options, dropLast: true })];
  expect(dropped.steps).toEqual(all.steps.slice(0, 2));
  expect(stepsPerEpoch(70, 32, true)).toBe(2);
  expect(stepsPerEpoch(64, 32, true)).toBe(2);
});
