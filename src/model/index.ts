/** What other folders use of the model. */
export * from './layers.js';
export { buildModel, isModelName } from './presets.js';
export { elementCount, tensorView } from './layout.js';
export { initialiseModel } from './initialise.js';
export type { ModelState } from './initialise.js';
export { digestState } from './digest.js';
export { dropoutMask } from './dropout.js';
