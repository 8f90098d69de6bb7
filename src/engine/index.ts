/** What other folders use of the engines. */
export * from './engine.js';
export { ENGINE_FACTORIES } from './registry.js';
export { chooseEngine, loadEngine } from './choose.js';
export type { ChosenEngine, EngineChoice } from './choose.js';
export { probabilitiesOf, softmaxCrossEntropy } from './softmaxCrossEntropy.js';
export { cacheFolder } from './cacheFolder.js';
export { probe } from './tfjs/optionalPackage.js';
export type { ProbeResult } from './tfjs/optionalPackage.js';
export { tensorflowFolder } from './tfjs/tensorflowPackage.js';
export { TENSORFLOW_ENVIRONMENT } from './tfjs/environment.js';
