/** What other folders use of the model. */
export * from './layers.js';
export { buildModel, isModelName } from './resnet.js';
export { elementCount, tensorView } from './layout.js';
export { convolvedShape, pooledShape, zerosBefore } from './geometry.js';
export { initialiseModel } from './initialise.js';
export type { ModelState } from './initialise.js';
export { digestState } from './digest.js';
export { dropoutMask } from './dropout.js';
