/** Refuses networks with layers that an engine cannot compute. */

import { LockstepError } from '../foundation/errors.js';
import type { Layer, Model } from '../model/index.js';
import type { EngineName } from './engine.js';

/**
 * @param missing what the engine lacks for a layer, in words; undefined if nothing
 * @throws LockstepError E_ENGINE_UNAVAILABLE that names the first such layer
 */
export function requireLayers(
  { layers }: Model,
  engine: EngineName,
  missing: (layer: Layer) => string | undefined,
): void {
  for (const layer of layers) {
    const lack = missing(layer);
    if (lack === undefined) continue;
    throw new LockstepError(
      'E_ENGINE_UNAVAILABLE',
      `engine ${engine} cannot compute layer ${layer.name}: it has no ${lack}; use engine simd`,
    );
  }
}
