/** A run's speed, from the step lines of its metrics.jsonl. */

import type { RunEvent } from '../src/coordinator/run/events.js';
import { median, sum } from './statistics.js';

export interface StepSummary {
  /** Median over the measured steps of samples / stepMs. */
  readonly imagesPerSecond: number;
  /** Samples of all measured steps divided by the time between the lines, including all work between steps. */
  readonly clockImagesPerSecond: number;
  readonly medianStepMs: number;
  /** Sum of coordinationMs over sum of stepMs; see `RunEvent`. */
  readonly coordinationShare: number;
  readonly measuredSteps: number;
  readonly numericsClass: string;
}

type Line = RunEvent & { readonly time: string };
type StepLine = Extract<Line, { event: 'step' }>;

/**
 * @param text of metrics.jsonl
 * @param warmUpSteps steps at the start that do not count, at least 1
 */
export function summariseSteps(text: string, warmUpSteps: number): StepSummary {
  const lines = text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Line);
  const steps = lines.filter((line): line is StepLine => line.event === 'step');
  const measured = steps.slice(warmUpSteps);
  const lastWarmUp = steps[warmUpSteps - 1];
  const last = measured.at(-1);
  if (lastWarmUp === undefined || last === undefined) {
    throw new Error(`a run of ${steps.length} steps is too short for ${warmUpSteps} warm-up steps`);
  }
  const clockMs = Date.parse(last.time) - Date.parse(lastWarmUp.time);
  const joined = lines.find((line) => line.event === 'worker-joined');
  return {
    imagesPerSecond: median(measured.map(({ imagesPerSecond }) => imagesPerSecond)),
    clockImagesPerSecond: (1000 * sum(measured.map(({ samples }) => samples))) / clockMs,
    medianStepMs: median(measured.map(({ stepMs }) => stepMs)),
    coordinationShare:
      sum(measured.map(({ coordinationMs }) => coordinationMs)) / sum(measured.map(({ stepMs }) => stepMs)),
    measuredSteps: measured.length,
    numericsClass: joined?.event === 'worker-joined' ? joined.numericsClass : 'unknown',
  };
}
