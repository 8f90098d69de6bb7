/** Which layers have no kernels on the GPU yet. */

import type { Layer, Model } from '../../model/index.js';
import { requireLayers } from '../layerSupport.js';

/** @throws LockstepError E_ENGINE_UNAVAILABLE that names the first layer that cannot be computed */
export const requireSupport = (model: Model): void => requireLayers(model, 'webgpu', missing);

function missing(layer: Layer): string | undefined {
  if (tensorsOf(layer).some((spec) => spec.frozen)) return 'frozen tensors';
  switch (layer.kind) {
    case 'gelu':
    case 'silu':
    case 'celu':
    case 'max-pool':
    case 'average-pool':
    case 'scale':
      return `layers of kind ${layer.kind}`;
    case 'convolution':
      if (layer.kernelSize !== 3) return `convolutions of ${layer.kernelSize}x${layer.kernelSize}`;
      if (layer.padding === 'valid') return 'convolutions without padding';
      return layer.bias === undefined ? undefined : 'convolutions with a bias';
    case 'dense':
      return layer.bias === undefined ? 'dense layers without a bias' : undefined;
    default:
      return undefined;
  }
}

function tensorsOf(layer: Layer): readonly { readonly frozen?: boolean }[] {
  if (layer.kind === 'batch-normalisation') return [layer.scale, layer.shift];
  if (layer.kind !== 'convolution' && layer.kind !== 'dense') return [];
  return layer.bias === undefined ? [layer.weight] : [layer.weight, layer.bias];
}
