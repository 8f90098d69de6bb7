/** What other folders use of the exports. */
export { EXPORT_FORMATS } from './exportedModel.js';
export type { ExportedFile, ExportedModel, ExportFormat } from './exportedModel.js';
export { modelCard } from './card.js';
export { RECIPE_FILE } from './trainingAgain.js';
export type { ModelFacts, TestFacts } from './modelFacts.js';
export { exportFiles } from './exportFiles.js';
export { fromPytorchValues, pytorchTensors } from './pytorch/names.js';
export type { PytorchTensor } from './pytorch/names.js';
