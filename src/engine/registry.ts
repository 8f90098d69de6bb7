/** Every engine by name. Importing this file loads no engine's code; each engine loads its own on request. */

import { OptionError, use } from '../foundation/options/optionError.js';
import { didYouMean } from '../foundation/suggest.js';
import { ENGINE_NAMES } from './engine.js';
import type { EngineFactory, EngineName } from './engine.js';
import { cpuBackend } from './tfjs/cpuBackend.js';
import { simdEngine } from './simd/index.js';
import { tensorflowBackend } from './tfjs/tensorflowBackend.js';
import { tfjsFactory } from './tfjs/tfjsFactory.js';
import { wasmBackend } from './tfjs/wasmBackend.js';
import { webgpuEngine } from './webgpu/index.js';

/** In the order in which `lockstep engines` lists them. */
export const ENGINE_FACTORIES: readonly EngineFactory[] = [
  simdEngine,
  webgpuEngine,
  tfjsFactory(tensorflowBackend),
  tfjsFactory(wasmBackend),
  tfjsFactory(cpuBackend),
];

/** @throws LockstepError E_OPTION for an engine that this version of Lockstep does not have. */
export function engineFactory(name: EngineName): EngineFactory {
  const factory = ENGINE_FACTORIES.find((candidate) => candidate.name === name);
  if (factory === undefined) {
    throw new OptionError(
      [
        { option: 'engine', value: name },
        ` must be one of ${ENGINE_NAMES.join(', ')}${didYouMean(name, ENGINE_NAMES)}`,
      ],
      [use('engine', 'auto')],
    );
  }
  return factory;
}
