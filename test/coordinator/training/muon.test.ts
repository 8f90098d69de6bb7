import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { applyMuon, filterMatrices } from '../../../src/coordinator/training/muon.js';
import { applySgd } from '../../../src/coordinator/training/sgd.js';
import { tensorRulesOf } from '../../../src/coordinator/training/tensorRules.js';
import { tensorView } from '../../../src/model/index.js';
import { LayoutBuilder } from '../../../src/model/layout.js';
import { fast94 } from '../../support/modernNetworks.js';

interface Golden {
  readonly steps: {
    readonly filters: number;
    readonly inputs: number;
    readonly rate: number;
    readonly momentum: number;
    readonly weights: readonly (readonly number[])[];
  };
}

/** Muon in NumPy and float64: test/golden/muon.py. */
const { steps } = JSON.parse(
  readFileSync(new URL('../../golden/muon.json', import.meta.url), 'utf8'),
) as Golden;
const { filters, inputs } = steps;

/** Of the script, (filters, inputs). */
const start = Float32Array.from(
  { length: filters * inputs },
  (_, index) => Math.sin(0.7 * (index + 1)) + Math.cos(0.013 * index * index),
);

/** From (filters, inputs) to (1, 1, inputs, filters). */
const ours = (matrix: ArrayLike<number>): Float32Array =>
  Float32Array.from(
    { length: matrix.length },
    (_, index) => matrix[(index % filters) * inputs + Math.floor(index / filters)]!,
  );

/** numpy.roll(start, shift, axis=1) * (0.3 + shift) */
const gradientOf = (shift: number): Float32Array =>
  start.map((_, index) => {
    const [filter, input] = [Math.floor(index / inputs), index % inputs];
    return start[filter * inputs + ((input - shift + inputs) % inputs)]! * (0.3 + shift);
  });

describe('applyMuon', () => {
  it('agrees with NumPy over three steps', () => {
    const layout = new LayoutBuilder();
    const spec = layout.parameter('c.weight', [1, 1, inputs, filters]);
    const weights = ours(start);
    const velocity = new Float32Array(weights.length);
    for (const [index, expected] of steps.weights.entries()) {
      const gradientSum = ours(gradientOf(index + 1)).map((value) => 4 * value);
      const total = { gradientSum, statisticSum: new Float32Array(0), sampleCount: 4 };
      const rule = { lr: steps.rate, momentum: steps.momentum, weightDecay: 0 };
      applyMuon(weights, velocity, total, { spec, isNormalised: true }, rule);
      const worst = Math.max(...ours(expected).map((value, at) => Math.abs(value - weights[at]!)));
      expect(worst).toBeLessThan(1e-4);
    }
  });
});

describe('the convolutions that Muon trains', () => {
  it('are all but frozen ones; those that batch normalisation follows are scaled, pooled or not', () => {
    const found = filterMatrices(fast94([8, 16, 16], 'same').layers);
    expect(found.map(({ isNormalised }) => isNormalised)).toEqual(Array.from({ length: 6 }, () => true));
    expect(found.map(({ spec }) => spec.shape)).toEqual([
      [3, 3, 24, 8],
      [3, 3, 8, 8],
      [3, 3, 8, 16],
      [3, 3, 16, 16],
      [3, 3, 16, 16],
      [3, 3, 16, 16],
    ]);
    const { layers } = fast94([8, 16, 16], 'same');
    const withoutNorms = layers.map((layer) =>
      layer.kind === 'batch-normalisation' ? ({ ...layer, kind: 'relu' } as unknown as typeof layer) : layer,
    );
    expect(filterMatrices(withoutNorms).some(({ isNormalised }) => isNormalised)).toBe(false);
  });

  it('move by Muon, and all other tensors as with SGD alone', () => {
    const model = fast94([8, 16, 16], 'same');
    const { parameterCount, parameters: specs } = model.layout;
    const options = { shiftLrFactor: 2, decayOn: 'all', lr: 0.1, muonLr: 0.2, muonMomentum: 0.6 } as const;
    const after = (optimizer: 'sgd' | 'muon'): Float32Array => {
      const wave = (factor: number): Float32Array =>
        Float32Array.from({ length: parameterCount }, (_, index) => Math.sin(factor * index));
      const parameters = wave(0.7);
      const total = { sampleCount: 1, gradientSum: wave(1.3), statisticSum: new Float32Array(0) };
      const sgd = { momentum: 0.9, weightDecay: 0.01, nesterov: true };
      const rules = tensorRulesOf(model, { ...options, optimizer });
      applySgd(parameters, new Float32Array(parameterCount), total, 0.05, sgd, rules);
      return parameters;
    };
    const [bySgd, byMuon] = [after('sgd'), after('muon')];
    const matrices = filterMatrices(model.layers).map(({ spec }) => spec.name);
    for (const spec of specs) {
      const [other, own] = [tensorView(bySgd, spec), tensorView(byMuon, spec)];
      if (matrices.includes(spec.name)) expect(own, spec.name).not.toEqual(other);
      else expect(own, spec.name).toEqual(other);
    }
  });

  it('stay where they are without a gradient, but for their size', () => {
    const model = fast94([8, 8, 8], 'same');
    const { spec } = filterMatrices(model.layers)[0]!;
    const parameters = Float32Array.from({ length: model.layout.parameterCount }, (_, i) => Math.cos(i));
    const zeros = new Float32Array(parameters.length);
    const total = { sampleCount: 1, gradientSum: zeros.slice(), statisticSum: new Float32Array(0) };
    const before = tensorView(parameters, spec).slice();
    const rule = { lr: 0.1, momentum: 0.6, weightDecay: 0.1 };
    applyMuon(parameters, zeros.slice(), total, { spec, isNormalised: false }, rule);
    tensorView(parameters, spec).forEach((value, i) => expect(value).toBe(Math.fround(0.99 * before[i]!)));
    applyMuon(parameters, zeros.slice(), total, { spec, isNormalised: true }, rule);
    const norm = Math.hypot(...tensorView(parameters, spec));
    expect(norm).toBeCloseTo(Math.sqrt(8), 5);
  });
});
