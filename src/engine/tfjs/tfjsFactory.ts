/** Makes an engine factory of a backend. */

import type { Model } from '../../model/index.js';
import type { Engine, EngineFactory } from '../engine.js';
import type { TfjsBackend } from './backend.js';
import { exclusively } from './exclusive.js';
import { TfjsEngine } from './tfjsEngine.js';

export function tfjsFactory(backend: TfjsBackend): EngineFactory {
  return {
    name: backend.name,
    availability: () => backend.availability(),
    load: async (model: Model): Promise<Engine> => {
      const open = await exclusively(() => backend.open());
      return new TfjsEngine(model, open);
    },
  };
}
