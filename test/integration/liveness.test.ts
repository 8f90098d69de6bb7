/** Peers that fall silent with the connection open, and nodes that are asked to leave: on real processes. */

import path from 'node:path';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  freePort,
  killAll,
  readMetrics,
  readResult,
  run,
  start,
  temporaryFolder,
  until,
} from './support/lockstep.js';
import type { Running } from './support/lockstep.js';
import { standingStillAt, standsStill, stepIsDone } from './support/standStill.js';

const RECIPE = [
  ...['--dataset', 'synthetic', '--model', 'resnet8', '--train-limit', '1280', '--val-size', '64'],
  ...['--epochs', '1', '--batch-size', '32', '--micro-batch', '16', '--seed', '9'],
];
const STEPS = 40;
const HEARTBEAT = ['--heartbeat-timeout', '2'];
const SILENCE = 'no sign of life for 2 s';
/** Signals that come sooner after the first are taken for its echo. */
const ECHO_MS = 600;

const folder = temporaryFolder();
const runDir = (name: string): string => path.join(folder, name);
let digest: string;

beforeAll(async () => {
  const { exitCode } = await run(['train', ...RECIPE, '--workers', '1', '--run-dir', runDir('reference')]);
  expect(exitCode).toBe(0);
  digest = readResult(runDir('reference')).weightsSha256;
});
afterEach(killAll);

interface Attached {
  readonly coordinator: Running;
  readonly url: string;
}

/** A coordinator that stands still when it has done the step. */
async function coordinate(name: string, step: number, ...more: string[]): Promise<Attached> {
  const port = await freePort();
  const address = ['--listen', `127.0.0.1:${port}`, '--run-dir', runDir(name)];
  const coordinator = start(
    ['coordinator', ...RECIPE, ...address, ...more],
    standingStillAt(stepIsDone(step)),
  );
  return { coordinator, url: `ws://127.0.0.1:${port}` };
}

const attach = (url: string, ...more: string[]): Running => start(['worker', url, '--threads', '1', ...more]);

async function expectSameBits(name: string, { coordinator }: Attached): Promise<void> {
  expect((await coordinator.finished).exitCode).toBe(0);
  expect(readResult(runDir(name))).toMatchObject({ weightsSha256: digest, stepsCompleted: STEPS });
}

/** How a node left, if it has. */
function departureOf(name: string): string | undefined {
  const line = readMetrics(runDir(name)).find(({ event }) => event === 'worker-left');
  return (line as { reason?: string } | undefined)?.reason;
}

describe('a process that is frozen (SIGSTOP)', () => {
  it('is noticed by the coordinator, and comes back when it thaws', async () => {
    const attached = await coordinate('frozen-worker', 3, ...HEARTBEAT);
    const worker = attach(attached.url);
    await standsStill(attached.coordinator);
    worker.kill('SIGSTOP');
    attached.coordinator.kill('SIGCONT');
    await until('it is missed', () => departureOf('frozen-worker') !== undefined);
    expect(departureOf('frozen-worker')).toBe(SILENCE);
    worker.kill('SIGCONT');
    await expectSameBits('frozen-worker', attached);
    expect((await worker.finished).exitCode).toBe(0);
    expect(worker.output()).toContain('not connected');
  });

  it('is noticed by a node, which comes back when the coordinator thaws', async () => {
    const attached = await coordinate('frozen-coordinator', 3);
    const worker = attach(attached.url, ...HEARTBEAT);
    await standsStill(attached.coordinator);
    await until('it is missed', () => worker.output().includes(SILENCE));
    attached.coordinator.kill('SIGCONT');
    await expectSameBits('frozen-coordinator', attached);
    expect((await worker.finished).exitCode).toBe(0);
  });
});

describe('a node that is asked to leave', () => {
  it.each([
    ['SIGTERM', 143],
    ['SIGINT', 130],
  ] as const)(
    'by %s finishes its work in progress; another goes on to the same bits',
    async (signal, code) => {
      const attached = await coordinate(signal, 3);
      const first = attach(attached.url);
      await standsStill(attached.coordinator);
      first.kill(signal);
      await until('it drains', () => first.output().includes(`${signal}: finishing work in progress`));
      // The next step's work is the first thing that comes now; the wish to leave is read afterwards.
      attached.coordinator.kill('SIGCONT');
      expect((await first.finished).exitCode).toBe(code);
      await until('it has left', () => departureOf(signal) !== undefined);
      expect(departureOf(signal)).toBe('drained');
      attach(attached.url);
      await expectSameBits(signal, attached);
    },
  );

  it('twice leaves at once, although the coordinator does not let it go', async () => {
    const attached = await coordinate('twice', 2);
    const worker = attach(attached.url);
    await standsStill(attached.coordinator);
    worker.kill('SIGTERM');
    await until('it drains', () => worker.output().includes('finishing work'));
    await new Promise((resolve) => setTimeout(resolve, ECHO_MS));
    expect(worker.child.exitCode).toBeNull();
    worker.kill('SIGTERM');
    expect((await worker.finished).exitCode).toBe(143);
    attached.coordinator.kill('SIGCONT');
    attach(attached.url);
    await expectSameBits('twice', attached);
  });

  it('by a coordinator that is silent leaves by itself after the heartbeat timeout', async () => {
    const { coordinator, url } = await coordinate('silent', 2);
    const worker = attach(url, ...HEARTBEAT);
    await standsStill(coordinator);
    worker.kill('SIGTERM');
    expect((await worker.finished).exitCode).toBe(143);
    expect(worker.output()).toContain(SILENCE);
  });
});
