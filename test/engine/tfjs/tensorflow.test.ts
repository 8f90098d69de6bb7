/** Runs where `lockstep setup tensorflow` has been, and works; elsewhere it says why not. */

import { describe, it } from 'vitest';
import { TENSORFLOW_ENVIRONMENT } from '../../../src/engine/tfjs/environment.js';
import { tensorflowBackend } from '../../../src/engine/tfjs/tensorflowBackend.js';
import { tfjsFactory } from '../../../src/engine/tfjs/tfjsFactory.js';
import { ODD_SIDES, TINY_MODELS } from '../../support/tinyModels.js';
import { describeEngineContract } from '../engineContract.js';
import { tfjsMemory } from './tfjsMemory.js';

Object.assign(process.env, { ...TENSORFLOW_ENVIRONMENT, ...process.env });
const factory = tfjsFactory(tensorflowBackend);
const found = await factory.availability();
if (found.available) {
  describeEngineContract('tensorflow', () => Promise.resolve(factory), {
    memoryInUse: tfjsMemory,
    memoryModel: TINY_MODELS['a residual network']!,
    moreModels: ODD_SIDES,
  });
} else {
  describe('engine tensorflow', () => {
    it.skip(`is not available here: ${found.reason}`);
  });
}
