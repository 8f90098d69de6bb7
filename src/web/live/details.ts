/** What is below the charts: the options in which the selected runs differ, and one run looked into. */

import type { ListedRun, RunAnswer } from '../../watch/live/api.js';
import { element } from './dom.js';
import { optionText } from '../../watch/folders/wording.js';
import { DASH, duration, percent, whole } from './format.js';
import { table } from './tables.js';
import { workerPanel } from './workerPanel.js';

const MOST_EVENTS_SHOWN = 100;

/** Empty for fewer than two runs. */
export function differences(runs: readonly RunAnswer[]): readonly Node[] {
  if (runs.length < 2) return [];
  const keys = [...new Set(runs.flatMap(({ config }) => Object.keys(config)))];
  const rows = keys
    .map((key) => ({ key, texts: runs.map(({ config }) => optionText(config[key])) }))
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
    ['state', run.stoppedBy === null ? run.state : `${run.state} (${run.stoppedBy})`],
    ['folder', run.folder],
    ['epochs', `${run.epochsCompleted} of ${run.epochs ?? '?'}`],
    ['steps', String(run.stepsCompleted)],
    ['best validation accuracy', `${percent(run.bestValidationAccuracy)} in epoch ${run.bestEpoch ?? DASH}`],
    ['test accuracy', percent(run.testAccuracy)],
    ['images per second', whole(run.imagesPerSecond)],
    ['time', duration(run.wallSeconds)],
    ['time left, about', duration(run.secondsLeft)],
    ['exact', run.exact === null ? DASH : run.exact ? 'yes' : 'no'],
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

/** What was asked for, and what happened. */
export function runRecord({ config, happenings }: RunAnswer): readonly Node[] {
  const options = Object.entries(config).map(([key, value]) => [key, optionText(value)]);
  const events = happenings.slice(-MOST_EVENTS_SHOWN).map(({ time, line }) => {
    const { time: _, event, ...rest } = line;
    const told = Object.entries(rest).map(([key, value]) => `${key}: ${optionText(value)}`);
    return [time?.slice(0, 19).replace('T', ' ') ?? '', optionText(event), told.join(', ')];
  });
  return [
    element('h3', {}, 'Options and machine'),
    table([], options),
    element('h3', {}, `Events (the last ${events.length}; times in UTC)`),
    table([], events.reverse()),
  ];
}
