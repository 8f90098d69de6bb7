/** What is below the charts: the options in which the selected runs differ, and one run looked into. */

import type { ListedRun, RunAnswer } from '../../watch/live/api.js';
import { element } from './dom.js';
import { optionText } from '../../watch/folders/wording.js';
import { DASH, duration, percent, whole } from './format.js';

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
    scrollingTable(
      ['option', ...runs.map(({ id }) => id)],
      rows.map(({ key, texts }) => [key, ...texts]),
    ),
  ];
}

export function runDetails(run: ListedRun, { config, happenings }: RunAnswer): readonly Node[] {
  const facts: readonly (readonly [string, string])[] = [
    ['state', run.stoppedBy === null ? run.state : `${run.state} (${run.stoppedBy})`],
    ['folder', run.folder],
    ['epochs', `${run.epochsCompleted} of ${run.epochs ?? '?'}`],
    ['steps', String(run.stepsCompleted)],
    ['best validation accuracy', `${percent(run.bestValidationAccuracy)} in epoch ${run.bestEpoch ?? DASH}`],
    ['test accuracy', percent(run.testAccuracy)],
    ['images per second', whole(run.imagesPerSecond)],
    ['time', duration(run.wallSeconds)],
    ['time left, about', timeLeft(run)],
    ['exact', run.exact === null ? DASH : run.exact ? 'yes' : 'no'],
    ['weights SHA-256', run.weightsSha256 ?? DASH],
  ];
  const options = Object.entries(config).map(([key, value]) => [key, optionText(value)]);
  const events = happenings.slice(-MOST_EVENTS_SHOWN).map(({ time, line }) => {
    const { time: _, event, ...rest } = line;
    const told = Object.entries(rest).map(([key, value]) => `${key}: ${optionText(value)}`);
    return [time?.slice(0, 19).replace('T', ' ') ?? '', optionText(event), told.join(', ')];
  });
  return [
    element('h2', {}, run.id),
    element(
      'div',
      { class: 'columns' },
      element('div', {}, element('h3', {}, 'Run'), scrollingTable([], facts)),
      element('div', {}, element('h3', {}, 'Options and machine'), scrollingTable([], options)),
    ),
    element('h3', {}, `Events (the last ${events.length})`),
    scrollingTable([], events.reverse()),
  ];
}

/** As if the epochs to come took as long as those before. */
function timeLeft({ state, epochs, epochsCompleted, wallSeconds }: ListedRun): string {
  if (state !== 'running' || epochs === null || wallSeconds === null || epochsCompleted === 0) return DASH;
  return duration((wallSeconds / epochsCompleted) * (epochs - epochsCompleted));
}

function scrollingTable(titles: readonly string[], rows: readonly (readonly string[])[]): Node {
  const head = element(
    'thead',
    {},
    element('tr', {}, ...titles.map((title) => element('th', { scope: 'col' }, title))),
  );
  const body = element(
    'tbody',
    {},
    ...rows.map(([first, ...cells]) =>
      element(
        'tr',
        {},
        element('th', { scope: 'row' }, first ?? ''),
        ...cells.map((cell) => element('td', { class: 'wrap' }, cell)),
      ),
    ),
  );
  return element(
    'div',
    { class: 'scroll' },
    element('table', {}, ...(titles.length > 0 ? [head] : []), body),
  );
}
