/** What other folders use of the model. */
export * from './layers.js';
export { IMAGES_NAME } from './model.js';
export type { Model, NetworkDescription, NetworkEntry } from './model.js';
export { shapeText } from './geometry.js';
export { LAYER_KINDS } from './layerKinds.js';
export type { LayerDescription, LayerEntry } from './layerKinds.js';
export { NETWORK_LIMITS } from './limits.js';
export { networkFault } from './network.js';
export {
  networkFrom,
  networkFromText,
  networkNameSchema,
  networkText,
  parseNetworkJson,
} from './networkText.js';
export { networkFileSchema } from './networkFileSchema.js';
export { networkFileText, networkFromContent, networkFromFile, withClassNames } from './networkFile.js';
export type { NetworkFile } from './networkFile.js';
export { summarise, trainingMemory } from './summary.js';
export type { LayerSummary, NetworkSummary, TrainingMemory } from './summary.js';
export { NetworkBuilder } from './networkBuilder.js';
export type {
  BatchNormalisationOptions,
  ConvolutionOptions,
  DenseOptions,
  LayerEntryOf,
} from './networkBuilder.js';
export {
  buildModel,
  COMMON_PRESETS,
  isPresetName,
  PRESETS_TEXT,
  USUAL_PURPOSE,
  whyNoPreset,
  withWidth,
} from './presets.js';
export type { NetworkPurpose } from './presets.js';
export { elementCount, tensorView } from './layout.js';
export { convolvedShape, pooledShape, zerosBefore } from './geometry.js';
export { isNamedBy, statisticsNamedBy, withFrozenLayers } from './freeze.js';
export { initialiseModel } from './initialise.js';
export type { ModelState } from './initialise.js';
export { digestState } from './digest.js';
export { dropoutMask } from './dropout.js';
