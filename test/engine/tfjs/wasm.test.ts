import { describeEngineContract } from '../engineContract.js';
import { tfjsFactory } from '../../../src/engine/tfjs/tfjsFactory.js';
import { wasmBackend } from '../../../src/engine/tfjs/wasmBackend.js';
import { ODD_LISTS, ODD_SIDES } from '../../support/tinyModels.js';
import { tfjsMemory } from './tfjsMemory.js';

describeEngineContract('wasm', () => Promise.resolve(tfjsFactory(wasmBackend)), {
  memoryInUse: tfjsMemory,
  moreModels: { ...ODD_SIDES, ...ODD_LISTS },
});
