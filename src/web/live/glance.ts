/**
 * How a run is doing, in one glance: where it is, how good, how fast, how long it will take, and what happened last. Of any
 * run from its folder; of the run of this process also from what it tells of this moment.
 */

import type { ListedRun, LiveView, RunAnswer } from '../../watch/live/api.js';
import { clockText, eventName, optionText, stateText } from '../../watch/folders/wording.js';
import { element } from './dom.js';
import { count, counted, duration, percent, short, whole, yesNo } from './format.js';
import { phaseText } from './run/phase.js';

/** What the tiles show. */
interface Progress {
  readonly isOver: boolean;
  readonly epoch: string;
  readonly step: number;
  readonly steps: number | null;
  readonly loss: number | null | undefined;
  readonly imagesPerSecond: number | null;
  /** Who computes. */
  readonly crew: string | undefined;
  readonly secondsLeft: number | null;
}

interface Tile {
  readonly title: string;
  readonly value: string;
  readonly more?: string | undefined;
}

/**
 * @param answer undefined until it is fetched
 * @param view undefined for a run of another process
 */
export function glance(run: ListedRun, answer: RunAnswer | undefined, view?: LiveView): readonly Node[] {
  const { state, stoppedBy } = run;
  const progress = view ? progressLive(run, view) : progressOf(run, answer);
  return [
    element(
      'div',
      { class: 'glance-head' },
      element('h2', {}, run.id),
      element('span', { class: `state ${state}` }, view ? phaseText(view) : stateText(state, stoppedBy)),
      element(
        'span',
        { class: 'soft' },
        [run.model, run.dataset].filter((text) => text !== null).join(' on '),
      ),
    ),
    bar(run, progress),
    element('dl', { class: 'tiles' }, ...tilesOf(run, answer, progress).map(drawTile)),
    ...lastNews(answer),
  ];
}

function drawTile({ title, value, more }: Tile): Node {
  const small = more === undefined ? [] : [element('small', {}, more)];
  return element('div', {}, element('dt', {}, title), element('dd', {}, value, ...small));
}

/** By steps where they are known, so that it moves within an epoch. */
function bar({ id, epochs, epochsCompleted, state }: ListedRun, { step, steps }: Progress): Node {
  const made = element('progress', { 'aria-label': `progress of ${id}`, class: state });
  const share = steps !== null ? step / steps : epochs !== null ? epochsCompleted / epochs : 0;
  made.max = 1;
  made.value = Math.min(1, share);
  return made;
}

function progressOf(run: ListedRun, answer: RunAnswer | undefined): Progress {
  const attached = answer?.workers.filter(({ isAttached }) => isAttached).length;
  const isOver = run.state !== 'running';
  return {
    isOver,
    epoch: `${count(run.epochsCompleted)} of ${count(run.epochs)}`,
    step: run.stepsCompleted,
    steps: run.steps,
    loss: run.recentLoss ?? answer?.epochs.at(-1)?.trainLoss,
    imagesPerSecond: run.imagesPerSecond,
    crew: isOver || attached === undefined ? undefined : `on ${counted(attached, 'node')}`,
    secondsLeft: run.secondsLeft,
  };
}

function progressLive(run: ListedRun, view: LiveView): Progress {
  const { epochs, stepsPerEpoch, epochsCompleted, maxSteps, nodes } = view;
  const isOver = view.phase === 'ended';
  const workers = nodes.reduce((sum, { threads }) => sum + threads, 0);
  return {
    isOver,
    epoch: `${count(epochsCompleted)} of ${count(epochs)}`,
    step: view.step,
    steps:
      epochs === null || stepsPerEpoch === null
        ? null
        : Math.min(Math.max(1, Math.round(epochs * stepsPerEpoch)), maxSteps ?? Infinity),
    loss: view.loss ?? run.recentLoss,
    imagesPerSecond: isOver ? run.imagesPerSecond : view.imagesPerSecond,
    crew: isOver ? undefined : `${counted(workers, 'worker')} on ${counted(nodes.length, 'node')}`,
    secondsLeft: view.secondsLeft,
  };
}

function tilesOf(run: ListedRun, answer: RunAnswer | undefined, progress: Progress): readonly Tile[] {
  const last = answer?.epochs.at(-1);
  const { isOver, epoch, step, steps, loss, imagesPerSecond, crew, secondsLeft } = progress;
  return [
    {
      title: isOver ? 'Epochs' : 'Epochs done',
      value: epoch,
      more: `step ${count(step)}${steps === null ? '' : ` of ${count(steps)}`}`,
    },
    {
      title: 'Validation accuracy',
      value: percent(last?.validationAccuracy ?? run.bestValidationAccuracy),
      more:
        run.bestEpoch === null
          ? `training ${percent(run.recentAccuracy)}`
          : `best ${percent(run.bestValidationAccuracy)} in epoch ${run.bestEpoch}`,
    },
    { title: 'Validation loss', value: short(last?.validationLoss), more: `training ${short(loss)}` },
    ...(run.testAccuracy === null ? [] : [{ title: 'Test accuracy', value: percent(run.testAccuracy) }]),
    { title: 'Images/s', value: whole(imagesPerSecond), more: crew },
    isOver
      ? { title: 'Time', value: duration(run.wallSeconds) }
      : {
          title: 'Time left, about',
          value: duration(secondsLeft),
          more: run.wallSeconds === null ? undefined : `${duration(run.wallSeconds)} at the last epoch`,
        },
    ...(run.exact === null ? [] : [{ title: 'Exact', value: yesNo(run.exact) }]),
  ];
}

/** What somebody who looks in should know. */
const NEWS: ReadonlySet<unknown> = new Set(['notice', 'worker-left', 'worker-refused', 'connection-refused']);

/** That a run waits is none any more once something else has happened. */
function isNews(event: unknown, isLast: boolean): boolean {
  return NEWS.has(event) || (event === 'waiting' && isLast);
}

function lastNews(answer: RunAnswer | undefined): readonly Node[] {
  const happenings = answer?.happenings ?? [];
  const news = happenings
    .filter(({ line }, place) => isNews(line['event'], place === happenings.length - 1))
    .at(-1);
  if (!news) return [];
  const { event, node, message, reason } = news.line;
  // A notice is a sentence of its own.
  const text = [event === 'notice' ? undefined : eventName(event), node, message ?? reason]
    .filter((part) => part !== undefined)
    .map(optionText)
    .join(': ');
  const time = news.time === null ? '' : `${clockText(news.time)} UTC `;
  return [element('p', { class: 'news' }, `${time}${text}`)];
}
