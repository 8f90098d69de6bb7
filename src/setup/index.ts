/** Sets up optional engines. */
export { setUpTensorflow } from './tensorflow.js';
export type { TensorflowSource, TensorflowSetup } from './tensorflow.js';
