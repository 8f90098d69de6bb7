/** Compact wire forms, on real processes: whoever computes and whoever adds, the bits are those of one thread. */

import path from 'node:path';
import { afterEach, describe, expect, it, onTestFinished } from 'vitest';
import {
  epochDigests,
  freePort,
  killAll,
  readResult,
  run,
  start,
  temporaryFolder,
  until,
  untilListening,
} from './support/lockstep.js';
import type { Running } from './support/lockstep.js';
import { NO_BROWSER, openBrowser, openPage } from './support/browser.js';
import { countingLink } from './support/countingLink.js';
import { standingStillAt, standsStill, stepIsDone } from './support/standStill.js';

if (NO_BROWSER !== undefined) console.warn(`SKIPPED: no tab adds in compact wire forms: ${NO_BROWSER}`);

const ENV = { LOCKSTEP_TOKEN: 'a-secret-of-the-wire' };

/** Steps of six micro-batches, the last of an epoch of five. */
const RECIPE = [
  ...['--dataset', 'synthetic', '--model', 'resnet8', '--train-limit', '376', '--val-size', '100'],
  ...['--epochs', '2', '--batch-size', '48', '--micro-batch', '8', '--dropout', '0.2', '--seed', '5'],
  ...['--checkpoint-every', '3'],
];
const STEPS = 16;

const folder = temporaryFolder();
const runDir = (name: string): string => path.join(folder, name);

function bitsOf(name: string): unknown {
  const { weightsSha256, lastWeightsSha256, stepsCompleted, exact } = readResult(runDir(name));
  return { weightsSha256, lastWeightsSha256, stepsCompleted, exact, epochs: epochDigests(runDir(name)) };
}

async function train(name: string, ...more: readonly string[]): Promise<void> {
  const trained = await run(['train', ...RECIPE, '--run-dir', runDir(name), ...more]);
  expect(trained).toMatchObject({ exitCode: 0, stderr: '' });
}

afterEach(killAll);

describe.each(['bfloat16', 'int8'])('a run in %s', (wire) => {
  const nameOf = (what: string): string => `${wire}-${what}`;

  async function startCoordinator(
    what: string,
    minWorkers: number,
    ...stops: readonly RegExp[]
  ): Promise<{ readonly coordinator: Running; readonly port: number }> {
    const port = await freePort();
    const listen = ['--listen', `127.0.0.1:${port}`, '--min-workers', String(minWorkers)];
    const args = ['coordinator', ...RECIPE, '--wire', wire, '--run-dir', runDir(nameOf(what)), ...listen];
    return { coordinator: start(args, { ...ENV, ...standingStillAt(...stops) }), port };
  }

  function startWorker(port: number, threads: number): Running {
    return start(['worker', `ws://127.0.0.1:${port}`, '--threads', String(threads)], ENV);
  }

  it('ends in the bits of one thread with three, and in others than float32 does', async () => {
    await train(nameOf('one'), '--wire', wire, '--workers', '1');
    await train(nameOf('three'), '--wire', wire, '--workers', '3');
    await train(nameOf('float32'), '--workers', '3');
    expect(bitsOf(nameOf('three'))).toEqual(bitsOf(nameOf('one')));
    expect(bitsOf(nameOf('one'))).toMatchObject({ stepsCompleted: STEPS, exact: true });
    expect(bitsOf(nameOf('float32'))).not.toEqual(bitsOf(nameOf('one')));
  });

  it('ends in them with nodes that add, behind a relay that adds and beside it', async () => {
    const { coordinator, port } = await startCoordinator('nodes', 5);
    const link = await countingLink(port);
    const at = await freePort();
    const relay = ['relay', `ws://127.0.0.1:${link.port}`, '--listen', `127.0.0.1:${at}`];
    const others = [start(relay, ENV), startWorker(at, 2), startWorker(at, 1), startWorker(link.port, 2)];
    expect(await coordinator.finished).toMatchObject({ exitCode: 0, stderr: '' });
    for (const other of others) expect((await other.finished).exitCode).toBe(0);
    link.close();
    expect(link.countOf('sum')).toBeGreaterThan(0);
    expect(bitsOf(nameOf('nodes'))).toEqual(bitsOf(nameOf('one')));
  });

  it.skipIf(NO_BROWSER !== undefined)('ends in them with a browser tab that adds', async () => {
    const browser = await openBrowser();
    onTestFinished(() => browser.close());
    const { coordinator, port } = await startCoordinator('tab', 2);
    await untilListening(coordinator);
    const { page, complaints } = await openPage(browser);
    await page.goto(`http://127.0.0.1:${port}/join#token=${ENV.LOCKSTEP_TOKEN}`);
    await page.getByLabel('Threads').fill('2');
    await page.getByRole('button', { name: 'Start' }).click();
    expect(await coordinator.finished).toMatchObject({ exitCode: 0, stderr: '' });
    expect(complaints).toEqual([]);
    expect(bitsOf(nameOf('tab'))).toEqual(bitsOf(nameOf('one')));
  });

  it('ends in them when its coordinator is killed and resumed, which keeps the wire form', async () => {
    const { coordinator, port } = await startCoordinator('killed', 1, stepIsDone(4));
    const worker = startWorker(port, 2);
    await standsStill(coordinator);
    coordinator.kill('SIGKILL');
    await coordinator.finished;
    await until('the worker has noticed', () => worker.output().includes('not connected'));
    const resume = ['coordinator', '--resume', runDir(nameOf('killed')), '--listen', `127.0.0.1:${port}`];
    const refused = await run([...resume, '--wire', 'float32'], ENV);
    expect(refused.exitCode).toBe(2);
    expect(refused.stderr).toContain('--wire');
    expect(await run(resume, ENV)).toMatchObject({ exitCode: 0, stderr: '' });
    expect((await worker.finished).exitCode).toBe(0);
    expect(bitsOf(nameOf('killed'))).toEqual(bitsOf(nameOf('one')));
  });
});
