/** What the command line uses of the coordinator. */
export { EVALUATION_CHUNK, recipeSchema, SCHEDULE_NAMES } from './config.js';
export type { Recipe } from './config.js';
export { readCheckpoint } from './checkpoint.js';
export type { Checkpoint } from './checkpoint.js';
export { CheckpointFiles } from './checkpointFiles.js';
export { evaluate } from './evaluate.js';
export type { EvaluationScore } from './evaluate.js';
export type { EventListener, MemberInfo, RunEvent } from './events.js';
export { ioError, writeFileAtomically } from './files.js';
export { Fleet } from './fleet.js';
export type { PriorResult, RunResult, StopReason } from './result.js';
export { RunFolder } from './runFolder.js';
export { DEFAULT_MAX_NODES, isLoopback, listen } from './server.js';
export type { CoordinatorServer } from './server.js';
export { train } from './train.js';
export type { TrainingRun } from './trainingRun.js';
export { welcomeFor } from './welcome.js';
export { broadcastOf, TrainingState } from './trainingState.js';
