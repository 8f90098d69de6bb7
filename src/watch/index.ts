/** What looks at runs: their events, their folders, their curves, their differences. Only the recorders of a run write to its folder. */
import type * as Monitoring from './metrics/monitoring.js';

export { EventDispatcher } from './events/dispatcher.js';
export type { Subscriber } from './events/subscriber.js';
export { findRuns, requireRun } from './folders/findRuns.js';
export { RunSummariser, summariseRun } from './folders/runSummary.js';
export { History, readEpochs } from './folders/history.js';
export type { EpochPoint, Happening, RunState, RunSummary, StepPoint } from './folders/runData.js';
export { readSmallJson } from './folders/smallJson.js';
export { optionText, stateText } from './folders/wording.js';
export { diffRuns } from './compare/diffRuns.js';
export type { Difference, RunDiff, WeightsComparison } from './compare/diffRuns.js';
export { reportPage } from './report/report.js';
export type { ReportOptions, Reproduction } from './report/report.js';
export { RunCatalog } from './live/runCatalog.js';
export { joinRoutes } from './live/joinRoutes.js';
export { readJoinFiles, readPageFiles } from './live/pageFiles.js';
export type { ResumeCommand } from './live/api.js';
export { LiveRun } from './live/liveRun.js';
export { RunLosses } from './live/runLosses.js';
export { LiveStream } from './live/liveStream.js';
export { pageOf } from './live/pageRoutes.js';
export type { AttachCommand, LivePart, Page, PageOptions } from './live/pageRoutes.js';
export { refuseUnusablePage, servePage } from './live/pageServer.js';
export type { PageAddress, PageServer } from './live/pageServer.js';
export { OwnRun } from './live/runSource.js';
export { TensorBoardRecorder } from './tensorboard/recorder.js';
export { Clearml } from './trackers/clearml.js';
export type { ClearmlSecrets } from './trackers/clearml.js';
export { Mlflow } from './trackers/mlflow.js';
export type { MlflowSecrets } from './trackers/mlflow.js';
export { TrackerFeed } from './trackers/trackerFeed.js';
export type { TrackerMemory } from './trackers/trackerFeed.js';
export { TrackerMemories } from './trackers/trackerMemory.js';
export type { TrackedRun, Tracker } from './trackers/tracker.js';
export type { MonitoringOptions } from './metrics/monitoring.js';
/** Loaded when a run serves it: its library takes a while. */
export const loadMonitoring = (): Promise<typeof Monitoring> => import('./metrics/monitoring.js');
