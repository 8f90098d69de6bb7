/** Tiles that are measured keep a device's limits, whatever the model and the micro-batch; no device is needed. */

import { describe, expect, it } from 'vitest';
import { GUARANTEED_LIMITS } from '../../../../src/engine/webgpu/kernels/limits.js';
import type { WorkgroupLimits } from '../../../../src/engine/webgpu/kernels/limits.js';
import { DeviceLayout } from '../../../../src/engine/webgpu/plan/deviceLayout.js';
import { planPass } from '../../../../src/engine/webgpu/plan/devicePlan.js';
import { USUAL_TILES } from '../../../../src/engine/webgpu/plan/tiles.js';
import { promisingTiles } from '../../../../src/engine/webgpu/tuning/promisingTiles.js';
import { firstTiles, namedCandidates, RoundTiles } from '../../../../src/engine/webgpu/tuning/roundTiles.js';
import { buildModel } from '../../../../src/model/index.js';
import type { Model } from '../../../../src/model/index.js';
import { ODD_SIDES, TINY_MODELS } from '../../../support/tinyModels.js';
import { expectToKeepTheRules } from '../planRules.js';

const MOST = 8;
const LIMITS: readonly [string, WorkgroupLimits][] = [
  ['of every device', GUARANTEED_LIMITS],
  ['of a large GPU', { vectors: 3072, threads: 1024 }],
];

describe.each(LIMITS)('candidates within the limits %s', (_, limits) => {
  const models: [string, Model][] = [
    ...Object.entries({ ...TINY_MODELS, ...ODD_SIDES }),
    ...(['resnet20', 'resnet20x4', 'notebook'] as const).map((name): [string, Model] => [
      name,
      buildModel(name, 0.1),
    ]),
  ];

  it.each(models)('keep them in every round: %s', (_name, model) => {
    const layout = new DeviceLayout(model);
    for (const imageCount of [1, 128]) {
      const tiles = new RoundTiles(promisingTiles(limits, MOST));
      const plan = (): void => {
        const pass = { model, layout, kind: 'training', imageCount, bindingLimit: 10, tiles } as const;
        for (const dispatch of planPass(pass).dispatches) expectToKeepTheRules(dispatch, 10, limits);
      };
      plan();
      expect(tiles.rounds).toBeLessThanOrEqual(MOST);
      for (tiles.round = 1; tiles.round < tiles.rounds; tiles.round++) plan();
    }
  });
});

describe('candidates', () => {
  const model = buildModel('resnet20x4');
  const limits = { vectors: 3072, threads: 1024 };
  const names = (tiles: RoundTiles): ReadonlyMap<string, string> => {
    const layout = new DeviceLayout(model);
    planPass({ model, layout, kind: 'training', imageCount: 128, bindingLimit: 10, tiles });
    return tiles.current;
  };

  it('begin with the usual tile', () => {
    const usual = new RoundTiles({
      convolution: (size) => [USUAL_TILES.convolution(size)],
      weightGradient: (size) => [USUAL_TILES.weightGradient(size)],
    });
    expect(names(new RoundTiles(promisingTiles(limits, MOST)))).toEqual(names(usual));
  });

  it('are found by the names that they are remembered by', () => {
    const promising = promisingTiles(limits, MOST);
    const tiles = new RoundTiles(promising);
    names(tiles);
    tiles.round = 3;
    const remembered = namedCandidates(tiles.current, limits, promisingTiles(limits, 1));
    expect(names(new RoundTiles(remembered))).toEqual(tiles.current);
  });

  it('are ignored by other names, and by those that the device has no room for', () => {
    const usual = names(new RoundTiles(promisingTiles(GUARANTEED_LIMITS, 1)));
    const foreign = new Map([...usual.keys()].map((key) => [key, '9x9 strip 3 block 5']));
    const large = new Map([...usual.keys()].map((key) => [key, '8x8 strip 8 block 16 chunk 4 thread 4']));
    for (const remembered of [foreign, large]) {
      const found = namedCandidates(remembered, GUARANTEED_LIMITS, promisingTiles(GUARANTEED_LIMITS, 1));
      expect(names(new RoundTiles(found))).toEqual(usual);
      expect(firstTiles(found)).toBeDefined();
    }
  });
});
