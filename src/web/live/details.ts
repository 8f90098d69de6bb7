/** What is below the charts: the options in which the selected runs differ, and one run looked into. */

import type { ListedRun, RunAnswer } from '../../watch/live/api.js';
import { element } from './dom.js';
import { configText, eventDetails, eventName, momentText, stateText } from '../../watch/folders/wording.js';
import { count, DASH, duration, percent, whole, yesNo } from './format.js';
import { table } from './tables.js';
import { workerPanel } from './workerPanel.js';

const MOST_EVENTS_SHOWN = 100;

/** Empty for fewer than two runs. */
export function differences(runs: readonly RunAnswer[]): readonly Node[] {
  if (runs.length < 2) return [];
  const keys = [...new Set(runs.flatMap(({ config }) => Object.keys(config)))];
  const rows = keys
    .map((key) => ({ key, texts: runs.map(({ config }) => configText(key, config[key])) }))
    .filter(({ texts }) => new Set(texts).size > 1);
  if (rows.length === 0) return [element('p', {}, 'All options of the selected runs are equal.')];
  return [
    element('h2', {}, 'Options that differ'),
    table(
      ['option', ...runs.map(({ id }) => id)],
      rows.map(({ key, texts }) => [key, ...texts]),
    ),
  ];
}

/** What the run is and has come to, and who computed it. */
export function runFacts(run: ListedRun, answer: RunAnswer): readonly Node[] {
  const facts: readonly (readonly [string, string])[] = [
    ['state', stateText(run.state, run.stoppedBy)],
    ['folder', run.folder],
    ['epochs', `${count(run.epochsCompleted)} of ${count(run.epochs)}`],
    ['steps', count(run.stepsCompleted)],
    ['best validation accuracy', bestText(run)],
    ['test accuracy', percent(run.testAccuracy)],
    // What changes all the time stands in the glance.
    ...(run.state === 'running' ? [] : ended(run)),
    ['exact', yesNo(run.exact)],
    ['weights SHA-256', run.weightsSha256 ?? DASH],
  ];
  return [
    element('h2', {}, run.id),
    element(
      'div',
      { class: 'columns' },
      element('div', {}, element('h3', {}, 'Run'), table([], facts)),
      element('div', {}, ...workerPanel(answer, run.state === 'running')),
    ),
  ];
}

function bestText({ bestValidationAccuracy, bestEpoch }: ListedRun): string {
  return bestEpoch === null ? DASH : `${percent(bestValidationAccuracy)} in epoch ${bestEpoch}`;
}

function ended({ imagesPerSecond, wallSeconds }: ListedRun): readonly (readonly [string, string])[] {
  return [
    ['images per second', whole(imagesPerSecond)],
    ['time', duration(wallSeconds)],
  ];
}

/** What was asked for, and what happened. */
export function runRecord({ config, happenings }: RunAnswer): readonly Node[] {
  const options = Object.entries(config).map(([key, value]) => [key, configText(key, value)]);
  const events = happenings
    .slice(-MOST_EVENTS_SHOWN)
    .map(({ time, line }) => [
      time === null ? '' : momentText(time),
      eventName(line['event']),
      eventDetails(line),
    ]);
  return [
    element('h3', {}, 'Options and machine'),
    table([], options),
    element('h3', {}, `Events (the last ${events.length})`),
    table([], events.reverse()),
  ];
}
