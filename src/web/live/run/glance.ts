/** How the run is doing, at one glance: a few large numbers. */

import type { ListedRun, LiveView } from '../../../watch/live/api.js';
import { element } from '../dom.js';
import { DASH, duration, percent, short, whole } from '../format.js';

interface Tile {
  readonly title: string;
  readonly value: string;
  readonly more?: string;
  readonly share?: number;
}

export function glance(view: LiveView, run: ListedRun | undefined): readonly Node[] {
  return tilesOf(view, run).map(({ title, value, more, share }) =>
    element(
      'div',
      { class: 'tile' },
      element('dt', {}, title),
      element('dd', {}, value),
      ...(share === undefined ? [] : [bar(share, title)]),
      ...(more === undefined ? [] : [element('dd', { class: 'more' }, more)]),
    ),
  );
}

/** One word or two on what the run does. */
export function phaseText({ phase, isStopping, waitingFor, stoppedBy }: LiveView): string {
  if (phase === 'ended') return stoppedBy === 'signal' ? 'stopped' : `finished (${stoppedBy ?? DASH})`;
  if (isStopping) return 'stopping';
  return phase === 'waiting' ? `waiting ${waitingFor ?? ''}` : phase;
}

function tilesOf(view: LiveView, run: ListedRun | undefined): readonly Tile[] {
  const { epochs, stepsPerEpoch, step, epochsCompleted } = view;
  const totalSteps =
    epochs === null || stepsPerEpoch === null
      ? undefined
      : Math.min(epochs * stepsPerEpoch, view.maxSteps ?? Infinity);
  const workers = view.nodes.reduce((sum, { threads }) => sum + threads, 0);
  return [
    {
      title: 'Epoch',
      value: `${Math.min(epochsCompleted + (view.phase === 'ended' ? 0 : 1), epochs ?? Infinity)} of ${epochs ?? '?'}`,
      ...(totalSteps === undefined
        ? {}
        : { share: step / totalSteps, more: `step ${step} of ${totalSteps}` }),
    },
    {
      title: 'Best validation',
      value: percent(run?.bestValidationAccuracy ?? null),
      more: typeof run?.bestEpoch === 'number' ? `epoch ${run.bestEpoch}` : 'no epoch yet',
    },
    { title: 'Loss', value: view.loss === null ? DASH : short(view.loss), more: 'of the last step' },
    {
      title: 'Images per second',
      value: whole(view.imagesPerSecond),
      more: `${workers} worker${workers === 1 ? '' : 's'} on ${view.nodes.length} node${view.nodes.length === 1 ? '' : 's'}`,
    },
    {
      title: 'Time left, about',
      value: view.secondsLeft === null ? DASH : duration(view.secondsLeft),
      more: `${duration(run?.wallSeconds ?? null)} at the last epoch`,
    },
  ];
}

function bar(share: number, title: string): HTMLProgressElement {
  const made = element('progress', { 'aria-label': title });
  made.max = 1;
  made.value = Math.min(1, share);
  return made;
}
