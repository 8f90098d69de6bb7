/** Runs where Vulkan, Metal or D3D12 is at hand, be it in software; elsewhere it says why not. */

import { describe, it } from 'vitest';
import { webgpuEngine } from '../../../src/engine/webgpu/index.js';
import { ODD_SIDES, TINY_MODELS } from '../../support/tinyModels.js';
import { describeEngineContract } from '../../engine/engineContract.js';

const found = await webgpuEngine.availability();
if (found.available) {
  describeEngineContract('webgpu', () => Promise.resolve(webgpuEngine), {
    memoryModel: TINY_MODELS['a residual network']!,
    moreModels: ODD_SIDES,
  });
} else {
  describe('engine webgpu', () => {
    it.skip(`is not available here: ${found.reason}`);
  });
}
