/** The networks that `npm run bench -- --only wide,shapes` measures. */

import { expect, it } from 'vitest';
import { SHAPE_CASES, WIDE_CASES } from '../../bench/shapeCases.js';
import { turnsText } from '../../bench/turnsReport.js';
import { networkFrom, summarise } from '../../src/model/index.js';

it.each([...SHAPE_CASES, ...WIDE_CASES])('$name is a network', ({ name, network }) => {
  expect(networkFrom(network, name).classCount).toBe(10);
});

it('are at least twelve shapes, of different names: odd maps, other kernels, pools, many channels, large images', () => {
  const names = SHAPE_CASES.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  expect(names.length).toBeGreaterThanOrEqual(12);
  for (const part of [
    '31x31',
    '15x15',
    '7x7',
    '6x6',
    '3x3,',
    '1x1 ',
    '2x2 ',
    'pool',
    '512 ch',
    '64x64',
    '224x224',
  ]) {
    expect(names.join('; ').replaceAll('3x3;', '3x3,;'), part).toContain(part);
  }
});

it('the shape in question takes almost all multiplications', () => {
  for (const { name, network } of SHAPE_CASES.filter(({ name }) => !name.includes('pool'))) {
    const { layers, multiplications } = summarise(networkFrom(network, name));
    const shape = layers.filter((layer) => layer.name.startsWith('conv'));
    const share = shape.reduce((sum, layer) => sum + layer.multiplications, 0) / multiplications;
    expect(share, name).toBeGreaterThan(0.9);
  }
});

it('a row has both times, the rates and the ratio', () => {
  const spread = (median: number): { median: number; min: number; max: number; values: number[] } => ({
    ...{ median, min: median, max: median, values: [median] },
  });
  const row = {
    name: 'some',
    images: 32,
    flops: 6e9,
    arenaBytes: 5e6,
    lockstep: spread(100),
    peer: spread(250),
  };
  const text = turnsText('Shapes', [{ ...row, ratio: 2.5 }], { rounds: 3, turnMs: 500 });
  expect(text).toMatch(/some +32 +100\.00 +60\.0 +250\.00 +24\.0 +2\.50 +5\.0/);
  expect(turnsText('Shapes', [{ ...row, peer: null, ratio: null }], { rounds: 3, turnMs: 500 })).toMatch(
    /some +32 +100\.00 +60\.0 +- +- +- +5\.0/,
  );
});
