/** Which layers have no kernels on the GPU. */

import type { Layer, Model } from '../../model/index.js';
import { requireLayers } from '../layerSupport.js';

/** @throws LockstepError E_ENGINE_UNAVAILABLE that names the first layer that cannot be computed */
export const requireSupport = (model: Model): void => requireLayers(model, 'webgpu', missing);

/** The kernels compute 3x3 about a middle pixel. Smaller filters are zero elsewhere; this one would begin off the middle. */
function missing(layer: Layer): string | undefined {
  const isOff = layer.kind === 'convolution' && layer.kernelSize === 3 && layer.padding === 'valid';
  return isOff ? '3x3 convolutions without padding' : undefined;
}
