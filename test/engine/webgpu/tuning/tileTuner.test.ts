/** When tiles are measured, remembered and left alone, with measurements that are scripted. */

import * as fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Session } from '../../../../src/engine/webgpu/dawn/session.js';
import { tileName } from '../../../../src/engine/webgpu/kernels/convolutionTile.js';
import type { ConvolutionSize } from '../../../../src/engine/webgpu/kernels/convolutionTile.js';
import { GUARANTEED_LIMITS } from '../../../../src/engine/webgpu/kernels/limits.js';
import { DeviceLayout } from '../../../../src/engine/webgpu/plan/deviceLayout.js';
import { planPass } from '../../../../src/engine/webgpu/plan/devicePlan.js';
import type { PassKind } from '../../../../src/engine/webgpu/plan/forward.js';
import type { Tiles } from '../../../../src/engine/webgpu/plan/tiles.js';
import { promisingTiles } from '../../../../src/engine/webgpu/tuning/promisingTiles.js';
import { RoundTiles } from '../../../../src/engine/webgpu/tuning/roundTiles.js';
import type { TileNames } from '../../../../src/engine/webgpu/tuning/roundTiles.js';
import { TileTuner } from '../../../../src/engine/webgpu/tuning/tileTuner.js';
import type { Measure } from '../../../../src/engine/webgpu/tuning/tileTuner.js';
import { TuningCache } from '../../../../src/engine/webgpu/tuning/tuningCache.js';
import { buildModel } from '../../../../src/model/index.js';
import { temporaryFolder } from '../../../support/temporaryFolder.js';

const model = buildModel('resnet20');
const layout = new DeviceLayout(model);
const ENVIRONMENT = {
  vendor: 'acme',
  architecture: '',
  device: '7',
  description: '',
  backend: 'vulkan',
  name: '',
  kernels: 'wgsl-1',
  dawn: '1.0',
};

/** The names of every size's tiles in a round of the candidates: the usual ones in round 0. */
function namesOf(imageCount: number, round: number): TileNames {
  const tiles = new RoundTiles(promisingTiles(GUARANTEED_LIMITS, 3));
  planPass({ model, layout, kind: 'training', imageCount, bindingLimit: 10, tiles });
  tiles.round = round;
  return tiles.current;
}

const SIZE = (imageCount: number): ConvolutionSize => ({
  kind: 'forward',
  stride: 1,
  border: 1,
  imageCount,
  input: { height: 8, width: 8, channels: 64 },
  output: { height: 8, width: 8, channels: 64 },
});
const KEY = (imageCount: number): string => `forward 8x8x64 8x8x64 stride 1 images ${imageCount}`;

interface Scene {
  readonly tuner: (options?: { mayMeasure?: boolean; measure?: Measure }) => TileTuner;
  readonly measured: number[];
  readonly openSessions: () => number;
  readonly folder: string;
}

function scene(folder = temporaryFolder()): Scene {
  const measured: number[] = [];
  let open = 0;
  const secondRound: Measure = (_session, imageCount) => {
    measured.push(imageCount);
    return Promise.resolve(namesOf(imageCount, 1));
  };
  return {
    folder,
    measured,
    openSessions: () => open,
    tuner: ({ mayMeasure = true, measure = secondRound } = {}) =>
      new TileTuner({
        model,
        cache: new TuningCache(folder, ENVIRONMENT),
        mayMeasure,
        measure,
        waitMs: 0,
        openSession: () => {
          open++;
          return Promise.resolve({ dispose: () => open-- } as unknown as Session);
        },
      }),
  };
}

async function tileOf(tuner: TileTuner, imageCount: number, kind: PassKind = 'training'): Promise<string> {
  const tiles: Tiles = await tuner.tilesFor(
    { kind, imageCount, layout, bindingLimit: 10 },
    GUARANTEED_LIMITS,
  );
  return tileName(tiles.convolution(SIZE(imageCount)));
}

const usual = (imageCount: number): string => namesOf(imageCount, 0).get(KEY(imageCount))!;
const second = (imageCount: number): string => namesOf(imageCount, 1).get(KEY(imageCount))!;

describe('tiles', () => {
  it('are measured at the first gradient, once for all engines that come', async () => {
    const { tuner, measured, openSessions } = scene();
    expect(usual(32)).not.toBe(second(32));
    const first = tuner();
    expect(await tileOf(first, 32)).toBe(second(32));
    expect(await tileOf(first, 32)).toBe(second(32));
    expect(await tileOf(tuner(), 32)).toBe(second(32));
    expect(await tileOf(tuner({ mayMeasure: false }), 32)).toBe(second(32));
    expect(measured).toEqual([32]);
    expect(openSessions()).toBe(0);
  });

  it('are chosen alike by engines that start at once', async () => {
    const { tuner, measured, folder } = scene();
    const holder = new TuningCache(folder, ENVIRONMENT).lock();
    expect(holder.tryOnce()).toBe('mine'); // another process measures
    const waiting = new TileTuner({
      model,
      cache: new TuningCache(folder, ENVIRONMENT),
      mayMeasure: true,
      openSession: () => Promise.reject(new Error('nobody else measures')),
    });
    const tile = tileOf(waiting, 32);
    new TuningCache(folder, ENVIRONMENT).add(namesOf(32, 2));
    holder.release();
    expect(await tile).toBe(namesOf(32, 2).get(KEY(32)));
    expect(await tileOf(tuner(), 32)).toBe(await tile);
    expect(measured).toEqual([]);
  });

  it('are the usual ones if whoever measures never ends, and stay so', async () => {
    const { tuner, measured, folder } = scene();
    const holder = new TuningCache(folder, ENVIRONMENT).lock();
    expect(holder.tryOnce()).toBe('mine');
    const late = tuner();
    expect(await tileOf(late, 32)).toBe(usual(32));
    new TuningCache(folder, ENVIRONMENT).add(namesOf(32, 1));
    expect(await tileOf(late, 32)).toBe(usual(32));
    expect(measured).toEqual([]);
  });

  it('are not measured for an evaluation, nor for the rest of an epoch', async () => {
    const { tuner, measured } = scene();
    const one = tuner();
    expect(await tileOf(one, 64, 'running')).toBe(usual(64));
    expect(await tileOf(one, 32)).toBe(second(32));
    expect(await tileOf(one, 8)).toBe(usual(8));
    expect(await tileOf(one, 32, 'running')).toBe(second(32)); // the same sizes
    expect(measured).toEqual([32]);
    expect(await tileOf(one, 64)).toBe(second(64));
    expect(measured).toEqual([32, 64]);
  });

  it('are the usual ones where nothing may be measured, or nothing remembered', async () => {
    const unmeasured = scene();
    expect(await tileOf(unmeasured.tuner({ mayMeasure: false }), 32)).toBe(usual(32));
    const file = path.join(temporaryFolder(), 'file');
    fs.writeFileSync(file, '');
    const unremembered = scene(file);
    expect(await tileOf(unremembered.tuner(), 32)).toBe(usual(32));
    expect([...unmeasured.measured, ...unremembered.measured]).toEqual([]);
  });

  it('are the usual ones if the measurement fails, which is not tried again', async () => {
    const { tuner, measured, openSessions, folder } = scene();
    const failing = tuner({ measure: () => Promise.reject(new Error('the device was lost')) });
    expect(await tileOf(failing, 32)).toBe(usual(32));
    expect(await tileOf(tuner(), 32)).toBe(usual(32));
    expect(measured).toEqual([]);
    expect(openSessions()).toBe(0);
    expect(fs.readdirSync(folder)).toHaveLength(1); // and no lock
  });

  it('are measured for the sizes that are new, with what is known', async () => {
    const { tuner, folder } = scene();
    const [key, name] = [...namesOf(32, 2)].find(([, tile]) => tile !== '')!;
    new TuningCache(folder, ENVIRONMENT).add(new Map([[key, name]]));
    let given: TileNames | undefined;
    const measure: Measure = (_session, imageCount, known) => {
      given = new Map(known);
      return Promise.resolve(namesOf(imageCount, 1));
    };
    expect(await tileOf(tuner({ measure }), 32)).toBe(second(32));
    expect(given).toEqual(new Map([[key, name]]));
    expect(new TuningCache(folder, ENVIRONMENT).read().get(key)).toBe(name);
  });
});
