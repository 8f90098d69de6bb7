/** Which GPU a page's engine may come from: on adapters and devices that only note what is done with them. */

import { expect, it } from 'vitest';
import { PageGpu } from '../../../src/engine/webgpu/pages.js';
import { buildModel } from '../../../src/model/index.js';
import { rejectionOf } from '../../support/errors.js';

const MODEL = buildModel('resnet8');
const QUICK = { vendor: 'quick', architecture: 'one', device: '', description: '', isFallbackAdapter: false };
const SLOW = { ...QUICK, vendor: 'slow' };
const SOFTWARE = { ...QUICK, isFallbackAdapter: true };

/** A browser's, which gives these adapters in turn. */
function gpuGiving(...infos: readonly object[]): GPU {
  const left = [...infos];
  const limits = { maxBufferSize: 1 << 30, maxStorageBufferBindingSize: 1 << 30 };
  const device = {
    limits,
    lost: new Promise(() => undefined),
    addEventListener: () => undefined,
    createBuffer: () => ({}),
  };
  const adapterOf = (info: object): object => ({
    ...{ info, limits, features: new Set() },
    requestDevice: () => Promise.resolve(device),
  });
  const requestAdapter = (): Promise<object | null> => {
    const info = left.shift();
    return Promise.resolve(info === undefined ? null : adapterOf(info));
  };
  return { requestAdapter } as unknown as GPU;
}

it.each([
  [SLOW, 'slow one instead of quick one'],
  [SOFTWARE, 'quick one (software) instead of quick one'],
])('another GPU than the one that the node has told of is refused: %j', async (other, named) => {
  const gpu = new PageGpu(gpuGiving(QUICK, other, { ...QUICK }));
  const { description } = await gpu.load(MODEL);
  const { message } = await rejectionOf('E_ENGINE_FAILED', gpu.load(MODEL));
  expect(message).toContain(`another GPU than before, ${named}; start again`);
  expect((await gpu.load(MODEL)).description).toEqual(description);
});

it('no GPU is refused, with a remedy', async () => {
  for (const gpu of [undefined, gpuGiving()]) {
    const { message } = await rejectionOf('E_ENGINE_UNAVAILABLE', new PageGpu(gpu).load(MODEL));
    expect(message).toMatch(/; use a newer browser, or compute with the processor$/);
  }
});
