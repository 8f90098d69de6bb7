/** The pixel kernels by what they do; their names contain every choice. */

import type { Kernel, KernelLibrary } from '../kernels/library.js';
import { emitGradient, emitNormalisationBackward } from '../kernels/pixelBackward.js';
import type { GradientOptions } from '../kernels/pixelBackward.js';
import { emitForward } from '../kernels/pixelForward.js';
import type { ForwardOptions } from '../kernels/pixelForward.js';
import { shapeKey } from '../kernels/shapes.js';
import type { MapShape } from '../kernels/shapes.js';

const spell = (options: object): string =>
  Object.entries(options)
    .filter(([key, value]) => key !== 'map' && value !== false)
    .map(([key, value]) => (value === true ? key : `${key}=${String(value)}`))
    .join(' ');

export function forwardKernel(library: KernelLibrary, options: ForwardOptions): Kernel {
  return library.kernel(`forward ${shapeKey(options.map)} ${spell(options)}`, 5, emitForward(options));
}

/** Copies plain images to padded ones. */
export function copyToPaddedKernel(library: KernelLibrary, map: MapShape): Kernel {
  return forwardKernel(library, {
    map,
    normalise: false,
    addend: false,
    relu: false,
    sourcePadded: false,
    addendPadded: false,
    resultPadded: true,
  });
}

export function normalisationBackwardKernel(library: KernelLibrary, map: MapShape, padded: boolean): Kernel {
  const name = `normalisation dx ${shapeKey(map)}${padded ? ' padded' : ''}`;
  return library.kernel(name, 5, emitNormalisationBackward({ map, padded }));
}

export function gradientKernel(library: KernelLibrary, options: GradientOptions): Kernel {
  return library.kernel(`gradient ${shapeKey(options.map)} ${spell(options)}`, 8, emitGradient(options));
}
