import { expect, it } from 'vitest';
import { TrainingState } from '../../../src/coordinator/index.js';
import { buildModel, digestState } from '../../../src/model/index.js';

const model = buildModel('resnet8');
const STEP = { lossSum: 6, correct: 3, samples: 4, seconds: 0.5 };
const EXACT = { engine: 'simd', exact: true };

it('a step adds to the totals of the run and of the epoch', () => {
  const state = TrainingState.fresh(model, { seed: 1, averaging: 'none' });
  state.completeStep(STEP);
  state.completeStep(STEP);
  const epochTotals = { lossSum: 12, correct: 6, samples: 8, seconds: 1 };
  expect(state.progress).toMatchObject({
    step: 2,
    stepInEpoch: 2,
    epoch: 0,
    images: 8,
    stepSeconds: 1,
    epochTotals,
  });
});

it('an epoch ends the totals, and keeps the best weights for later', () => {
  const state = TrainingState.fresh(model, { seed: 1, averaging: 'none' });
  state.completeStep(STEP);
  expect(state.completeEpoch(0.5)).toBe(true);
  const best = digestState(state.model);
  expect(state.progress).toMatchObject({ step: 1, stepInEpoch: 0, epoch: 1, epochTotals: { samples: 0 } });
  state.model.parameters[0]! += 1;
  expect(state.completeEpoch(0.5)).toBe(false);
  expect(state.progress.earlyStopping).toEqual({
    bestEpoch: 1,
    bestAccuracy: 0.5,
    epochsWithoutImprovement: 1,
  });
  expect(digestState(state.best!)).toBe(best);
  const before = state.broadcast().message.version;
  expect(state.restoreBest()).toBe(true);
  expect(digestState(state.model)).toBe(best);
  expect(state.broadcast().message.version).toBeGreaterThan(before);
});

it('without validation no epoch is the best, and there is nothing to restore', () => {
  const state = TrainingState.fresh(model, { seed: 1, averaging: 'none' });
  expect(state.completeEpoch(undefined)).toBe(false);
  expect(state.progress).toMatchObject({ epoch: 1, earlyStopping: { bestEpoch: null } });
  expect(state.restoreBest()).toBe(false);
  expect(digestState(state.model)).toBe(
    digestState(TrainingState.fresh(model, { seed: 1, averaging: 'none' }).model),
  );
});

it('a second numerics class is told of once, the first and a repetition not at all', () => {
  const state = TrainingState.fresh(model, { seed: 1, averaging: 'none' });
  expect(state.contribute('a', EXACT)).toBeUndefined();
  expect(state.contribute('a', EXACT)).toBeUndefined();
  expect(state.contribute('b', EXACT)).toEqual(['a', 'b']);
  expect(state.contribute('b', { engine: 'simd', exact: false })).toBeUndefined(); // noted, but no further class
  expect(state.progress.contributors).toEqual({ a: EXACT, b: { engine: 'simd', exact: false } });
});

it('a saved state holds the best weights', () => {
  const state = TrainingState.fresh(model, { seed: 1, averaging: 'none' });
  state.completeEpoch(0.5);
  const { velocity, progress, best } = state;
  const again = TrainingState.from({ state: state.model, velocity, progress, best, averaged: undefined });
  expect(again.progress).toEqual(progress);
  expect(digestState(again.best!)).toBe(digestState(state.model));
});

it('a step of a compact wire form gets rounded weights, of a version of their own; the state stays as it is', () => {
  const state = TrainingState.fresh(model, { seed: 1, averaging: 'none' });
  const { parameters } = state.model;
  parameters.fill(0);
  parameters.set([1.00390625, 1.01171875, -3e-5]); // two of them in the middle between two bfloat16
  const before = digestState(state.model);
  const exact = state.broadcast().message;
  expect(state.broadcastForStep('float32').message).toBe(exact);
  for (const wire of ['bfloat16', 'int8'] as const) {
    const { message } = state.broadcastForStep(wire);
    expect(message.wire).toBe('bfloat16');
    expect(message.parameters).toHaveLength(2 * model.layout.parameterCount);
    expect([...message.parameters.subarray(0, 4)]).toEqual([0x80, 0x3f, 0x82, 0x3f]);
    expect(message.statistics).toEqual(exact.statistics);
    expect(message.version).toBeGreaterThan(exact.version);
    expect(state.broadcast().message.version).toBeGreaterThan(message.version);
  }
  expect(state.broadcast().message.wire).toBe('float32');
  expect(digestState(state.model)).toBe(before);
});
