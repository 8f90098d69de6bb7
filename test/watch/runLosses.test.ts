import { appendFileSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { expect, it, vi } from 'vitest';
import { RunLosses } from '../../src/watch/index.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

const stepLine = (step: number, loss: number): string =>
  `${JSON.stringify({ time: '2026-01-01T00:00:00.000Z', event: 'step', step, loss })}\n`;

it('tells the losses of the run in its folder, and later ones once they are there', async () => {
  const runDir = path.join(temporaryFolder(), 'run');
  mkdirSync(runDir);
  const metrics = path.join(runDir, 'metrics.jsonl');
  const losses = new RunLosses();
  expect(await losses.list()).toEqual([]);
  losses.on({ ...STARTED, runDir });
  appendFileSync(metrics, stepLine(1, 2.5) + stepLine(2, 2.25));
  expect(await losses.list()).toEqual([
    [1, 2.5],
    [2, 2.25],
  ]);
  appendFileSync(metrics, stepLine(3, 2));
  const now = performance.now();
  vi.spyOn(performance, 'now').mockReturnValue(now + 60_000);
  expect((await losses.list()).at(-1)).toEqual([3, 2]);
  vi.restoreAllMocks();
});

it('tells of a long run as many points as a plot can show, up to its last step', async () => {
  const runDir = path.join(temporaryFolder(), 'run');
  mkdirSync(runDir);
  const lines = Array.from({ length: 5000 }, (_, index) => stepLine(index + 1, 1 / (index + 1)));
  appendFileSync(path.join(runDir, 'metrics.jsonl'), lines.join(''));
  const losses = new RunLosses();
  losses.on({ ...STARTED, runDir });
  const told = await losses.list();
  expect(told.length).toBeGreaterThanOrEqual(100);
  expect(told.length).toBeLessThanOrEqual(200);
  expect(told.at(-1)![0]).toBe(5000);
});

const STARTED = {
  event: 'run-started',
  model: 'resnet8',
  dataset: 'synthetic',
  parameterCount: 1,
  trainingSamples: 1,
  validationSamples: 0,
  stepsPerEpoch: 1,
  epochs: 1,
  maxSteps: null,
  resumedAtStep: 0,
} as const;
