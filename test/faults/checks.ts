/** What must hold after every scenario: the same bits, nothing saved lost, nobody left. */

import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'vitest';
import { readCheckpoint } from '../../src/coordinator/index.js';
import { digestState } from '../../src/model/index.js';
import { readResult } from '../integration/support/lockstep.js';
import type { Result } from '../integration/support/lockstep.js';
import type { Scene } from './scene.js';
import type { PrintedEvent } from './support/lockstepProcess.js';

/** What an undisturbed run ends in. */
export interface Outcome {
  readonly result: Decided;
  /** The digest of the weights after each epoch. */
  readonly epochs: ReadonlyMap<number, string>;
}

/** What the seed decides; the rest of result.json is time and place. */
type Decided = Pick<
  Result,
  | 'weightsSha256'
  | 'lastWeightsSha256'
  | 'bestEpoch'
  | 'bestValidationAccuracy'
  | 'stepsCompleted'
  | 'stoppedBy'
  | 'exact'
>;

export function outcomeOf(runDir: string): Outcome {
  const epochs = epochsOf(readMetricsStrictly(runDir).events);
  return { result: pick(readResult(runDir)), epochs };
}

export async function expectUnharmed(scene: Scene, undisturbed: Outcome): Promise<void> {
  expectNobodyLeft(scene);
  expectMetricsIntact(scene, undisturbed.result.stepsCompleted);
  expectNothingSavedWasLost(scene);
  await expectCheckpointsReadBack(scene.runDir, undisturbed.result);
  expectNoLeftovers(scene.runDir);
}

export function expectNobodyLeft(scene: Scene): void {
  const left = scene.processes().filter((process) => process.groupIsAlive());
  expect(left.map(({ name }) => name)).toEqual([]);
}

/** Equal at the end, and after every epoch on the way. */
export function expectSameBits(runDir: string, undisturbed: Outcome): void {
  expect(outcomeOf(runDir)).toEqual(undisturbed);
}

function pick(result: Result): Decided {
  const { weightsSha256, lastWeightsSha256, bestEpoch, bestValidationAccuracy } = result;
  const { stepsCompleted, stoppedBy, exact } = result;
  return {
    weightsSha256,
    lastWeightsSha256,
    bestEpoch,
    bestValidationAccuracy,
    stepsCompleted,
    stoppedBy,
    exact,
  };
}

/** Lines that are no JSON: at most one for each process that was killed or could not write. */
function expectMetricsIntact(scene: Scene, stepCount: number): void {
  const { events, tornLines } = readMetricsStrictly(scene.runDir);
  expect(tornLines).toBeLessThanOrEqual(scene.sessions.length - 1);
  const steps = events.filter(({ event }) => event === 'step');
  expect(steps.map((line) => (line.event === 'step' ? line.step : 0))).toEqual(
    Array.from({ length: stepCount }, (_, index) => index + 1),
  );
}

/** A session goes on from the last checkpoint that the one before it has announced, or a later one. */
function expectNothingSavedWasLost(scene: Scene): void {
  const announced = [0];
  for (const session of scene.sessions) {
    for (const { event } of session.seen) {
      if (event.event === 'run-started')
        expect(event.resumedAtStep).toBeGreaterThanOrEqual(announced.at(-1)!);
      if (event.event === 'checkpoint' && event.file.includes('last')) announced.push(event.step);
    }
    if (scene.damaged.has(session)) announced.pop(); // the one before is as far as anybody could go
  }
}

async function expectCheckpointsReadBack(runDir: string, result: Decided): Promise<void> {
  const digestOf = async (name: string): Promise<string> => {
    const { state } = await readCheckpoint(path.join(runDir, 'checkpoints', `${name}.safetensors`));
    return digestState(state);
  };
  expect(await digestOf('last')).toBe(result.lastWeightsSha256);
  expect(await digestOf('best')).toBe(result.weightsSha256);
}

function expectNoLeftovers(runDir: string): void {
  const names = [...readdirSync(runDir), ...readdirSync(path.join(runDir, 'checkpoints'))];
  expect(names.filter((name) => name.endsWith('.tmp') || name === 'run.lock')).toEqual([]);
}

interface StrictMetrics {
  readonly events: readonly PrintedEvent[];
  readonly tornLines: number;
}

function readMetricsStrictly(runDir: string): StrictMetrics {
  const lines = readFileSync(path.join(runDir, 'metrics.jsonl'), 'utf8').split('\n').filter(Boolean);
  const events: PrintedEvent[] = [];
  for (const line of lines) {
    try {
      events.push(JSON.parse(line) as PrintedEvent);
    } catch {
      // counted below
    }
  }
  return { events, tornLines: lines.length - events.length };
}

function epochsOf(events: readonly PrintedEvent[]): Map<number, string> {
  return new Map(
    events.flatMap((line) => (line.event === 'epoch' ? [[line.epoch, line.weightsSha256] as const] : [])),
  );
}
