/**
 * Lockstep as a library: trains convolutional networks by synchronous data-parallel SGD, with the same weights to the last bit whatever
 * the number of workers. See docs/library.md.
 *
 * Nothing happens at import, nothing is written to the terminal, and the environment is left as it is. Every error is a
 * LockstepError with a code of docs/errors.md.
 */

export { checkTraining, findLearningRate } from './library/check.js';
export type {
  CheckTrainingOptions,
  FindLearningRateOptions,
  TrainingChecked,
  TrainingFinding,
} from './library/check.js';
export { coordinate } from './library/coordinate.js';
export type { CoordinateOptions, Coordination } from './library/coordinate.js';
export { loadCifar10, loadCifar100, loadFolder, loadIdx, syntheticData } from './library/data.js';
export type { DataSource, FolderReading, OwnData } from './library/data.js';
export { evaluate } from './library/evaluate.js';
export type { EvaluateOptions } from './library/evaluate.js';
export { exportModel } from './library/exportModel.js';
export type { ExportOptions } from './library/exportModel.js';
export type { OwnNetwork } from './library/network.js';
export type { EngineOptions, GivenRecipe, RunOptions } from './library/options.js';
export { predict } from './library/predict.js';
export type { PredictOptions } from './library/predict.js';
export { resnet } from './library/resnet.js';
export type { ResnetSize } from './library/resnet.js';
export type { TrainedRun } from './library/session.js';
export { train } from './library/train.js';
export type { TrainOptions } from './library/train.js';
export { work } from './library/work.js';
export type { WorkEnd, WorkOptions } from './library/work.js';

export type {
  EventListener,
  MemberInfo,
  NodeShare,
  Recipe,
  RecipePresetName,
  RunEvent,
  RunResult,
  StopReason,
} from './coordinator/index.js';
export type { Evaluation, TestScore } from './coordinator/index.js';
export type {
  DecodingProgress,
  DownloadProgress,
  ImageFormat,
  ImageSet,
  ImageShape,
  LabelledImages,
  Reading,
} from './data/index.js';
export { ENGINE_NAMES, NUMERICS, PRECISIONS, TENSORFLOW_ENVIRONMENT } from './engine/index.js';
export type { EngineName, Numerics, Precision } from './engine/index.js';
export { EXPORT_FORMATS } from './export/index.js';
export type { ExportFormat } from './export/index.js';
export { LockstepError } from './foundation/errors.js';
export type { ErrorCode } from './foundation/errors.js';
export { isPresetName, NetworkBuilder } from './model/index.js';
export type {
  ActivationShape,
  BatchNormalisationOptions,
  ConvolutionOptions,
  DenseOptions,
  LayerDescription,
  LayerEntry,
  LayerEntryOf,
} from './model/index.js';
export { LOCKSTEP_VERSION } from './protocol/index.js';
export type { RatePoint, SmoothedPoint, Suggestion, Verdict } from './check/index.js';
export type {
  EvaluationOutcome,
  ExportOutcome,
  FoundLearningRate,
  JudgedImage,
  PictureBytes,
  PredictedClass,
  Prediction,
  PredictionOutcome,
  Tls,
} from './session/index.js';
export type { NodeStatus } from './worker/index.js';
