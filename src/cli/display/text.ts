/** How events read: shared by the live and the plain display. */

import type { RunEvent } from '../../coordinator/index.js';
import { count } from '../../foundation/count.js';
import { wrap } from './wrap.js';
import { workerCommand } from '../../session/index.js';

export function percent(share: number): string {
  return `${(100 * share).toFixed(2)} %`;
}

/** 0:07, 12:03, 1:02:03. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const padded = (value: number): string => String(value).padStart(2, '0');
  return hours > 0 ? `${hours}:${padded(minutes)}:${padded(rest)}` : `${minutes}:${padded(rest)}`;
}

/** Short, without noise: 0.1, 0.0123, 1.2e-5. */
export function rate(value: number): string {
  return value === 0 || value >= 1e-3 ? String(Number(value.toPrecision(3))) : value.toExponential(1);
}

/** Whole images a second, but of few the digits that matter: `899 images/s`, `0.31 images/s`. */
export function speed(imagesPerSecond: number): string {
  return `${imagesPerSecond < 10 ? String(Number(imagesPerSecond.toPrecision(2))) : imagesPerSecond.toFixed(0)} images/s`;
}

/** The lines that stay, for every event that deserves one. */
export function linesOf(event: RunEvent): readonly string[] {
  // What an event quotes must not make lines of its own.
  return linesAbout(event).map((line) => line.replaceAll('\n', ' '));
}

function linesAbout(event: RunEvent): readonly string[] {
  switch (event.event) {
    case 'run-started':
      return startLines(event);
    case 'epoch':
      return [epochLine(event)];
    case 'worker-joined':
      return [
        `+ ${event.node}: ${count(event.threads, 'worker')} (${event.engine}, ${event.device}); ${event.workersNow} now`,
      ];
    case 'worker-left':
      return [`- ${event.node} left: ${event.reason}; ${count(event.workersNow, 'worker')} now`];
    case 'worker-refused':
      return bannerLines(`${event.node} (${event.address}) is refused: ${event.reason}`);
    case 'workers-changed':
      return [changesLine(event)];
    case 'connection-refused':
      return [
        `× connection from ${event.address} refused: ${event.reason}${event.count > 1 ? ` (${event.count.toLocaleString('en-US')} times)` : ''}`,
      ];
    case 'listening': {
      const { url, ca, tokenFile, tokenRequired } = event;
      const token = tokenRequired && tokenFile === undefined ? '…' : undefined;
      return [`listening on ${url}; attach workers with: ${workerCommand({ url, ca, tokenFile, token })}`];
    }
    case 'page':
      return [`live page: ${event.url}${event.loginRequired ? ' (asks for the token)' : ''}`];
    case 'waiting':
      return [`… waiting ${event.reason}, at most ${duration(event.timeoutSeconds)}`];
    case 'notice':
      return bannerLines(event.message);
    case 'test':
      return [
        `test set: loss ${event.testLoss.toFixed(4)}, accuracy ${percent(event.testAccuracy)} of ${event.testSamples} images`,
      ];
    case 'run-finished':
      return finishLines(event);
    case 'step':
    case 'checkpoint':
      return [];
  }
}

function changesLine(event: Extract<RunEvent, { event: 'workers-changed' }>): string {
  const { address, joined, left, refused, failed, workersNow } = event;
  const changes = Object.entries({ joined, left, refused, 'failed items': failed })
    .filter(([, number]) => number > 0)
    .map(([change, number]) => `${number.toLocaleString('en-US')} ${change}`);
  return `± ${address}: ${changes.join(', ')}; ${count(workersNow, 'worker')} now`;
}

function startLines(event: Extract<RunEvent, { event: 'run-started' }>): readonly string[] {
  const { model, dataset, parameterCount, trainingSamples, validationSamples, epochs, stepsPerEpoch } = event;
  const resumed = event.resumedAtStep > 0 ? [`resumed after step ${event.resumedAtStep}`] : [];
  return [
    `${model}, ${count(parameterCount, 'parameter')}, on ${dataset}: ${count(trainingSamples, 'training image')}, ` +
      `${validationSamples.toLocaleString('en-US')} for validation; ${count(epochs, 'epoch')} of ${count(stepsPerEpoch, 'step')}`,
    `run folder: ${event.runDir}`,
    ...resumed,
  ];
}

/** Of fewer than 100 columns; loss and accuracy of the validation samples stand in the order of the training's. */
function epochLine(event: Extract<RunEvent, { event: 'epoch' }>): string {
  const { validationLoss, validationAccuracy } = event;
  const validation =
    validationLoss === null || validationAccuracy === null
      ? 'no validation'
      : `val ${validationLoss.toFixed(3)} ${percent(validationAccuracy).padStart(7)}`;
  return (
    `epoch ${String(event.epoch).padStart(3)}  loss ${event.trainLoss.toFixed(3)} acc ` +
    `${percent(event.trainAccuracy).padStart(7)}  ${validation}  lr ${rate(event.lr)}  ` +
    `${speed(event.imagesPerSecond)}  ${duration(event.wallSeconds)}${event.best ? '  * best' : ''}`
  );
}

const STOPPED = {
  epochs: 'all epochs done',
  patience: 'stopped early: the validation accuracy no longer rose',
  'max-steps': 'stopped at --max-steps',
  signal: 'stopped by a signal; everything up to here is saved',
} as const;

function finishLines(event: Extract<RunEvent, { event: 'run-finished' }>): readonly string[] {
  const best =
    event.bestEpoch === null || event.bestValidationAccuracy === null
      ? []
      : [`best validation accuracy ${percent(event.bestValidationAccuracy)} in epoch ${event.bestEpoch}`];
  // Weights that are neither the last nor the best of an epoch are the average.
  const isBest = event.bestEpoch !== null && event.stoppedBy !== 'max-steps';
  const kind = isBest ? ' (the best, restored)' : ' (the average)';
  const restored = event.weightsSha256 === event.lastWeightsSha256 ? '' : kind;
  return [
    `${STOPPED[event.stoppedBy]}: ${count(event.stepsCompleted, 'step')}, ${speed(event.imagesPerSecond)}, ${duration(event.wallSeconds)}`,
    ...best,
    `weights sha256 ${event.weightsSha256}${restored}`,
    engineText(event),
  ];
}

function engineText({ engine, exact }: Extract<RunEvent, { event: 'run-finished' }>): string {
  if (engine === '') return 'no step was made: the weights are those that the seed gives';
  return `engine ${engine}, ${exact ? 'exact: the same seed gives the same weights, to the last bit' : 'not exact'}`;
}

function bannerLines(message: string): readonly string[] {
  const rule = '!'.repeat(78);
  return [rule, ...wrap(message, 74).map((line) => `!! ${line}`), rule];
}
