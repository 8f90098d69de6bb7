/** What every engine must do, against finite differences and PyTorch. */

import { Session } from '../../../src/engine/webgpu/dawn/session.js';
import { webgpuEngine } from '../../../src/engine/webgpu/index.js';
import { describeEngineContract } from '../../engine/engineContract.js';
import {
  CONVOLUTION_KINDS,
  MODERN_LAYERS,
  ODD_LISTS,
  ODD_SIDES,
  TINY_MODELS,
} from '../../support/tinyModels.js';
import { describeOnGpu, isSoftware } from './support.js';

describeOnGpu('the contract', () => {
  describeEngineContract('webgpu', () => Promise.resolve(webgpuEngine), {
    memoryModel: TINY_MODELS['a residual network']!,
    memorySteps: isSoftware ? 25 : 200,
    memoryInUse: () => Session.memoryInUse,
    moreModels: { ...ODD_SIDES, ...ODD_LISTS, ...MODERN_LAYERS, ...CONVOLUTION_KINDS },
  });
});
