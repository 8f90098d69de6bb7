/** How a run is doing, in one glance: where it is, how good, how fast, how long it will take, and what happened last. */

import type { ListedRun, RunAnswer } from '../../watch/live/api.js';
import { optionText } from '../../watch/folders/wording.js';
import { element } from './dom.js';
import { DASH, duration, percent, short, whole } from './format.js';

interface Tile {
  readonly title: string;
  readonly value: string;
  readonly more?: string;
}

/** @param answer undefined until it is fetched */
export function glance(run: ListedRun, answer: RunAnswer | undefined): readonly Node[] {
  const { state, stoppedBy } = run;
  const told = state === 'finished' && stoppedBy !== null ? `finished (${stoppedBy})` : state;
  return [
    element(
      'div',
      { class: 'glance-head' },
      element('h2', {}, run.id),
      element('span', { class: `state ${state}` }, told),
      element(
        'span',
        { class: 'soft' },
        [run.model, run.dataset].filter((text) => text !== null).join(' on '),
      ),
    ),
    progressOf(run),
    element(
      'dl',
      { class: 'tiles' },
      ...tilesOf(run, answer).map(({ title, value, more }) =>
        element(
          'div',
          {},
          element('dt', {}, title),
          element('dd', {}, value, ...(more === undefined ? [] : [element('small', {}, more)])),
        ),
      ),
    ),
    ...lastNews(answer),
  ];
}

/** By steps where they are known, so that it moves within an epoch. */
function progressOf({ id, epochs, epochsCompleted, steps, stepsCompleted, state }: ListedRun): Node {
  const bar = element('progress', { 'aria-label': `progress of ${id}`, class: state });
  bar.max = 1;
  const done = steps !== null ? stepsCompleted / steps : epochs !== null ? epochsCompleted / epochs : 0;
  bar.value = Math.min(1, done);
  return bar;
}

function tilesOf(run: ListedRun, answer: RunAnswer | undefined): readonly Tile[] {
  const last = answer?.epochs.at(-1);
  const isRunning = run.state === 'running';
  const attached = answer?.workers.filter(({ isAttached }) => isAttached).length ?? 0;
  return [
    {
      title: 'Epoch',
      value: `${run.epochsCompleted} of ${run.epochs ?? '?'}`,
      more: `step ${grouped(run.stepsCompleted)}${run.steps === null ? '' : ` of ${grouped(run.steps)}`}`,
    },
    {
      title: 'Validation accuracy',
      value: percent(last?.validationAccuracy ?? run.bestValidationAccuracy),
      ...(run.bestEpoch === null
        ? { more: `training ${percent(run.recentAccuracy)}` }
        : { more: `best ${percent(run.bestValidationAccuracy)} in epoch ${run.bestEpoch}` }),
    },
    {
      title: 'Validation loss',
      value: shown(last?.validationLoss),
      more: `training ${shown(run.recentLoss ?? last?.trainLoss)}`,
    },
    ...(run.testAccuracy === null ? [] : [{ title: 'Test accuracy', value: percent(run.testAccuracy) }]),
    { title: 'Images/s', value: whole(run.imagesPerSecond) },
    isRunning
      ? {
          title: 'Time left',
          value: duration(run.secondsLeft),
          more: `${duration(run.wallSeconds)} so far`,
        }
      : { title: 'Time', value: duration(run.wallSeconds) },
    ...(isRunning ? [{ title: 'Nodes', value: answer ? String(attached) : DASH }] : []),
    ...(run.exact === null ? [] : [{ title: 'Exact', value: run.exact ? 'yes' : 'no' }]),
  ];
}

/** What somebody who looks in should know. */
const NEWS: ReadonlySet<unknown> = new Set([
  'notice',
  'waiting',
  'worker-left',
  'worker-refused',
  'connection-refused',
]);

function lastNews(answer: RunAnswer | undefined): readonly Node[] {
  const news = answer?.happenings.filter(({ line }) => NEWS.has(line['event'])).at(-1);
  if (!news) return [];
  const { event, node, message, reason } = news.line;
  const text = [event, node, message ?? reason]
    .filter((part) => part !== undefined)
    .map(optionText)
    .join(': ');
  return [element('p', { class: 'news' }, `${news.time?.slice(11, 19) ?? ''} ${text}`)];
}

function shown(value: number | null | undefined): string {
  return value === null || value === undefined ? DASH : short(value);
}

function grouped(count: number): string {
  return count.toLocaleString('en');
}
