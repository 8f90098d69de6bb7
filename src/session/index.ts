/** What the command line and the library use of the session. */
export { advertisedUrl, privateAuthorityOf } from './advertised.js';
export { withCleanup } from './cleanup.js';
export type { Closer } from './cleanup.js';
export { readForEvaluation } from './evaluatedCheckpoint.js';
export { measureEngine } from './measureEngine.js';
export { defaultMicroBatch, nearestMicroBatch, USUAL_MICRO_BATCH } from './options/microBatch.js';
export * from './options/optionTable.js';
export * from './options/values.js';
export { runTrainingSession } from './trainingSession.js';
export type { Door, DoorVoice, PreparedDoor, SessionOptions } from './trainingSession.js';
