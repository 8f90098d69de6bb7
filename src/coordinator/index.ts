/** What other folders may use of the coordinator. */
export { checkContradictions } from './run/contradictions.js';
export {
  EVALUATION_CHUNK,
  recipeSchema,
  requestChanges,
  requestRecipe,
  settleRecipe,
  withDefaults,
} from './run/recipe.js';
export type { Recipe, RequestedRecipe } from './run/recipe.js';
export { DATASET_IN_FOLDER, DATASET_NAME, locateDataset } from './run/datasetName.js';
export { READING_OPTIONS } from './run/readingOptions.js';
export { recipeNotices, recipeRemarks } from './run/recipeNotices.js';
export { changeRecipe } from './run/changeRecipe.js';
export { RECIPE_OPTIONS } from './run/recipeOptions.js';
export { RECIPE_PRESET_NAME, RECIPE_PRESETS, withPreset } from './run/recipePresets.js';
export type { RecipePreset, RecipePresetName } from './run/recipePresets.js';
export {
  checkNetworkFitsData,
  checkRecipeFitsImages,
  checkRecipeFitsSamples,
  largestCropPadding,
} from './run/fit.js';
export { readCheckpoint } from './checkpoints/checkpoint.js';
export type { Checkpoint, StoredCheckpoint } from './checkpoints/checkpoint.js';
export { CheckpointFiles } from './checkpoints/checkpointFiles.js';
export { decodeSafetensors, encodeSafetensors } from './checkpoints/safetensors.js';
export { UnusableCheckpoint } from './checkpoints/unusableCheckpoint.js';
export { evaluate, judgeEvaluated } from './training/evaluate.js';
export type { EvaluationScore } from './training/evaluate.js';
export type { EventListener, MemberInfo, RunEvent, TestScore } from './run/events.js';
export type { NodeShare } from './run/shares.js';
export { ioError, takenError, writeFileAtomically, writeNewFile } from './checkpoints/files.js';
export { refuseObstacle } from './checkpoints/obstacle.js';
export { refuseFilledFolder, writeWholeFolder } from './checkpoints/wholeFolder.js';
export type { NewFile } from './checkpoints/wholeFolder.js';
export { Fleet } from './fleet/fleet.js';
export type { Workforce } from './fleet/fleetOptions.js';
export type { Member } from './fleet/member.js';
export type { Answer, RoundRequest, Verdict } from './fleet/roundRequest.js';
export { ResultJudge, scoresOf } from './training/resultJudge.js';
export { SecondOpinions } from './training/secondOpinions.js';
export type { FleetView, NodeView, RoundView } from './fleet/fleetView.js';
export { watchForeignHolder } from './folder/lockLease.js';
export type { Abandoned } from './folder/lockLease.js';
export type { PriorResult, RunResult, StopReason } from './run/result.js';
export { RunFolder } from './folder/runFolder.js';
export { holdsRunToResume, TENSORBOARD_FILE, TRACKERS } from './folder/folderContents.js';
export { checkJsonSize, configText, MOST_JSON_BYTES } from './folder/smallJson.js';
export { hasZone, isLoopback, isUnspecified } from './server/address.js';
export { answerBy, handlerFor, mergeRoutes } from './server/routes.js';
export type { RequestHandler, Routes } from './server/routes.js';
export { isOfAskedServer, namesLoopback, ServedHosts } from './server/servedHosts.js';
export { bearerOf, isSameSecret, showsToken } from './server/showsToken.js';
export { RateLimiter } from './fleet/rateLimiter.js';
export { DEFAULT_MAX_NODES, listen, refuseUnusable } from './server/server.js';
export type { CoordinatorServer } from './server/server.js';
export { EARLY_STEPS, judgeFirstLoss, risesEarly } from './training/earlySigns.js';
export { computeGradient } from './training/gradientRound.js';
export { learningRateAt, scheduleOf, totalStepsOf } from './training/learningRate.js';
export type { ScheduleContext } from './training/learningRate.js';
export { tensorRulesOf } from './training/tensorRules.js';
export type { TensorRules } from './training/tensorRules.js';
export { GradientBuffers, TreeReduction } from './vectors/treeReduction.js';
export { train } from './training/train.js';
export type { TestedRun, TrainingRun } from './training/trainingRun.js';
export { welcomeFor } from './fleet/welcome.js';
export { broadcastOf, TrainingState, vectorMemoriesFor } from './training/trainingState.js';
export { frozenPrefixes, isDigest, NONE } from './run/fineTuning.js';
export type { InitialTensors } from './training/startingState.js';
export { evaluatedWeights } from './training/averaging.js';
export { readOneTensor } from './checkpoints/oneTensor.js';
export { readStoredSamples } from './checkpoints/storedSamples.js';
export { evaluationNames, readEvaluation, saveEvaluation } from './folder/evaluationFiles.js';
export { LARGEST_THUMBNAIL_PX } from './run/evaluation.js';
export type { Evaluation, Thumbnail, WorstImage } from './run/evaluation.js';
export { occupancyOf } from './folder/occupancy.js';
export type { Occupancy } from './folder/occupancy.js';
