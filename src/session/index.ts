/** What the command line and the library use of the session. */
export { checkTraining } from './check/checkTraining.js';
export type { CheckOptions, CheckOutcome } from './check/checkTraining.js';
export { findLearningRate, LR_FIND_FILE } from './check/findLearningRate.js';
export type { FoundLearningRate, LearningRateOptions } from './check/findLearningRate.js';
export { coordinatorUrl } from './coordinatorUrl.js';
export { withCleanup } from './cleanup.js';
export type { Closer } from './cleanup.js';
export { keptCoordinatorSettings, readCoordinatorSettings, readTokenSource } from './coordinatorSettings.js';
export type { CoordinatorSettings, TokenSource } from './coordinatorSettings.js';
export { doorTokenFor, isTokenText } from './doorToken.js';
export { nodesInto, openDoor } from './door.js';
export type { DoorPage, ListenOptions, OpenDoor, OpenJoin, PreparedDoor } from './door.js';
export { refuseSharedSecret } from './joinToken.js';
export type { DoorJoin } from './joinToken.js';
export type { Door, DoorReports } from './doorReports.js';
export { serveLivePage } from './livePage.js';
export { evaluateCheckpoint } from './evaluateCheckpoint.js';
export type { EvaluationOptions, EvaluationOutcome } from './evaluateCheckpoint.js';
export { exportCheckpoint } from './exportCheckpoint.js';
export type { ExportOutcome, ExportRequest } from './exportCheckpoint.js';
export { predictImages } from './prediction/predictImages.js';
export type {
  PredictedClass,
  Prediction,
  PredictionOptions,
  PredictionOutcome,
} from './prediction/predictImages.js';
export type { PictureBytes, PictureSource } from './prediction/sources.js';
export type { JudgedImage } from './evaluation/analyse.js';
export { readForEvaluation } from './evaluatedCheckpoint.js';
export { authorityFrom, tlsFrom } from './certificates.js';
export type { Tls } from './certificates.js';
export { withTuning } from './engineThreads.js';
export { measureEngine } from './measureEngine.js';
export type { MeasureOptions } from './measureEngine.js';
export { openDataset, sourceOptions } from './openDataset.js';
export type { OpenedDataset } from './openDataset.js';
export { RUN_DEFINITIONS } from './options/definitions.js';
export * from './options/nodeSettings.js';
export * from './options/settings.js';
export {
  ADDRESS,
  checkValue,
  shownValue,
  nonEmpty,
  parseJsonValue,
  splitAddress,
  splitAdvertised,
  valueParser,
} from './options/values.js';
export { relayFor } from './relayFor.js';
export type { RelayForOptions } from './relayFor.js';
export { requestNetwork } from './requestNetwork.js';
export type { NetworkSource, RequestedNetwork } from './requestNetwork.js';
export { RUN_CONFIG_KEYS } from './savedConfig.js';
export { RunLog } from './runLog.js';
export type { RunLogOptions } from './runLog.js';
export type { SessionContext, SessionOptions, Settings } from './sessionOptions.js';
export type { EngineSettings, TrainingOptions } from './trainingOptions.js';
export type { TrackerSecrets } from './trackerSecrets.js';
export { runTrainingSession } from './trainingSession.js';
export type { SessionOutcome } from './trainingSession.js';
export { workFor } from './workFor.js';
export type { WorkOptions } from './workFor.js';
export { attachCommand, workerCommand } from './workerCommand.js';
