/** The services that keep the curves of a run, as its settings ask for them. */

import path from 'node:path';
import type { RunFolder } from '../coordinator/index.js';
import { valueText } from '../foundation/options/kind.js';
import type { OptionValue } from '../foundation/options/kind.js';
import { Clearml, Mlflow, TrackerFeed, TrackerMemories } from '../watch/index.js';
import type { TrackedRun, Tracker } from '../watch/index.js';
import type { Recorded } from './recorded.js';
import type { TrackerSecrets } from './trackerSecrets.js';

const NO_SECRETS: TrackerSecrets = { mlflow: {}, clearml: {} };

export function startTrackers(folder: RunFolder, recorded: Recorded): void {
  const { context, closers } = recorded;
  const trackers = trackersOf(recorded);
  if (trackers.size === 0) return;
  const memories = TrackerMemories.read(folder.folder, () => folder.checkHeld());
  for (const [key, tracker] of trackers) {
    const feed = new TrackerFeed({
      tracker,
      folder: folder.folder,
      run: trackedRun(folder, recorded),
      memory: memories.of(key),
      remember: (memory) => memories.remember(key, memory),
      onProblem: (message) => context.log.notice(`${tracker.name}: ${message}`),
    });
    context.log.subscribe(feed);
    closers.push(() => feed.finish());
  }
}

function trackersOf({ settings, context }: Recorded): ReadonlyMap<string, Tracker> {
  const { trackerSecrets: secrets = NO_SECRETS, proxyFor } = context;
  const { mlflow, mlflowExperiment: experiment, clearml, clearmlProject: project } = settings;
  const trackers = new Map<string, Tracker>();
  if (mlflow !== undefined) {
    trackers.set('mlflow', new Mlflow({ url: mlflow, experiment, secrets: secrets.mlflow, proxyFor }));
  }
  if (clearml !== undefined) {
    trackers.set('clearml', new Clearml({ url: clearml, project, secrets: secrets.clearml, proxyFor }));
  }
  return trackers;
}

function trackedRun({ folder }: RunFolder, { recipe }: Recorded): TrackedRun {
  const options = Object.entries(recipe as Readonly<Record<string, OptionValue>>);
  return {
    name: path.basename(path.resolve(folder)),
    startedMs: Date.now(),
    options: Object.fromEntries(options.map(([key, value]) => [key, valueText(value)])),
  };
}
