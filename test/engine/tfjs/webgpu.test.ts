/** Runs where the optional packages of the engine are installed and work; elsewhere it says why not. */

import { describe, it } from 'vitest';
import { webgpuBackend } from '../../../src/engine/tfjs/webgpuBackend.js';
import { tfjsFactory } from '../../../src/engine/tfjs/tfjsFactory.js';
import { ODD_SIDES, TINY_MODELS } from '../../support/tinyModels.js';
import { describeEngineContract } from '../engineContract.js';
import { tfjsMemory } from './tfjsMemory.js';

const factory = tfjsFactory(webgpuBackend);
const found = await factory.availability();
if (found.available) {
  describeEngineContract('webgpu', () => Promise.resolve(factory), {
    memoryInUse: tfjsMemory,
    memoryModel: TINY_MODELS['a residual network']!,
    moreModels: ODD_SIDES,
  });
} else {
  describe('engine webgpu', () => {
    it.skip(`is not available here: ${found.reason}`);
  });
}
