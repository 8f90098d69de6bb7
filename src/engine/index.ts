/** What other folders use of the engines. */
export * from './engine.js';
export { ENGINE_FACTORIES } from './registry.js';
export { chooseEngine, loadEngine } from './choose.js';
export type { ChosenEngine, EngineChoice } from './choose.js';
export { TENSORFLOW_ENVIRONMENT } from './tfjs/environment.js';
