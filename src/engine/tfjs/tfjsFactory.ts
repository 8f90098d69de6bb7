/** Makes an engine factory of a backend. */

import type { Model } from '../../model/index.js';
import type { Engine, EngineFactory } from '../engine.js';
import type { OpenBackend, TfjsBackend } from './backend.js';
import { exclusively } from './exclusive.js';
import { TfjsEngine } from './tfjsEngine.js';

/** tfjs keeps a backend as long as the thread exists; all engines on it share it. */
const openBackends = new Map<TfjsBackend, OpenBackend>();

export function tfjsFactory(backend: TfjsBackend): EngineFactory {
  return {
    name: backend.name,
    availability: () => backend.availability(),
    load: async (model: Model): Promise<Engine> => {
      const open = await exclusively(() => openOnce(backend));
      return new TfjsEngine(model, open);
    },
  };
}

async function openOnce(backend: TfjsBackend): Promise<OpenBackend> {
  const open = openBackends.get(backend) ?? (await backend.open());
  openBackends.set(backend, open);
  return open;
}
