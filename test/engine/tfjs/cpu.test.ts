import { describeEngineContract } from '../engineContract.js';
import { cpuBackend } from '../../../src/engine/tfjs/cpuBackend.js';
import { tfjsFactory } from '../../../src/engine/tfjs/tfjsFactory.js';
import { ODD_LISTS, ODD_SIDES, TINY_MODELS } from '../../support/tinyModels.js';
import { tfjsMemory } from './tfjsMemory.js';

describeEngineContract('cpu', () => Promise.resolve(tfjsFactory(cpuBackend)), {
  memoryInUse: tfjsMemory,
  moreModels: { ...ODD_SIDES, ...ODD_LISTS },
  golden: false, // two seconds an image; wasm and cpu are compared in agreement.test.ts
  memoryModel: TINY_MODELS['a residual network']!,
});
