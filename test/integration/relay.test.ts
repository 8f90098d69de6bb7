/** Relays between a coordinator and its workers, as real processes: the bits are those of one thread. */

import path from 'node:path';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  epochDigests,
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
import { countingLink } from './support/countingLink.js';
import { standingStillAt, standsStill, stepIsDone } from './support/standStill.js';

const TOKEN = 'a secret of the relays'.replaceAll(' ', '-');
const ENV = { LOCKSTEP_TOKEN: TOKEN };

/** Steps of six micro-batches, validation in three chunks. */
const RECIPE = [
  ...['--dataset', 'synthetic', '--model', 'resnet8', '--train-limit', '480', '--val-size', '250'],
  ...[
    '--epochs',
    '2',
    '--batch-size',
    '48',
    '--micro-batch',
    '8',
    '--dropout',
    '0.2',
    '--schedule',
    'onecycle',
  ],
  ...['--seed', '5', '--checkpoint-every', '3'],
];
const STEPS = 20;

const folder = temporaryFolder();
const runDir = (name: string): string => path.join(folder, name);
let reference: ReturnType<typeof readResult>;

function expectSameBits(name: string): void {
  const result = readResult(runDir(name));
  const { weightsSha256, lastWeightsSha256 } = reference;
  expect(result).toMatchObject({ weightsSha256, lastWeightsSha256, stepsCompleted: STEPS, exact: true });
  expect(epochDigests(runDir(name))).toEqual(epochDigests(runDir('reference')));
}

async function startCoordinator(
  name: string,
  minWorkers: number,
  ...stops: readonly RegExp[]
): Promise<{ readonly coordinator: Running; readonly port: number }> {
  const port = await freePort();
  const listen = ['--listen', `127.0.0.1:${port}`, '--min-workers', String(minWorkers)];
  const args = ['coordinator', ...RECIPE, '--run-dir', runDir(name), ...listen];
  return { coordinator: start(args, { ...ENV, ...standingStillAt(...stops) }), port };
}

const urlOf = (port: number): string => `ws://127.0.0.1:${port}`;

function startRelay(name: string, above: number, port: number): Running {
  return start(['relay', urlOf(above), '--listen', `127.0.0.1:${port}`, '--name', name], ENV);
}

function startWorker(name: string, port: number, threads = 1): Running {
  return start(['worker', urlOf(port), '--threads', String(threads), '--name', name], ENV);
}

const sharesOf = (name: string): ReadonlySet<unknown> =>
  new Set(
    readMetrics(runDir(name))
      .filter(({ event }) => event === 'epoch')
      .flatMap(
        (line) => (line as unknown as { readonly workers: readonly { readonly node: string }[] }).workers,
      )
      .map(({ node }) => node),
  );

beforeAll(async () => {
  const trained = await run(['train', ...RECIPE, '--workers', '1', '--run-dir', runDir('reference')]);
  expect(trained).toMatchObject({ exitCode: 0, stderr: '' });
  reference = readResult(runDir('reference'));
});
afterEach(killAll);

describe('a relay', () => {
  it('stands for its workers, and for those of a relay behind it; the coordinator gets sums', async () => {
    const { coordinator, port } = await startCoordinator('tree', 4);
    const [first, second] = [await freePort(), await freePort()];
    const link = await countingLink(port);
    const processes = [
      startRelay('first', link.port, first),
      startRelay('second', first, second),
      startWorker('a', first),
      startWorker('b', first),
      startWorker('c', second, 2),
    ];
    expect((await coordinator.finished).exitCode).toBe(0);
    for (const each of processes) {
      const { exitCode, stdout, stderr } = await each.finished;
      expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
      expect(stdout).toContain('the run has ended');
    }
    link.close();
    expectSameBits('tree');
    expect(sharesOf('tree')).toEqual(new Set(['first']));
    expect(link.countOf('sum')).toBeGreaterThan(0);
    expect(link.countOf('workers')).toBeGreaterThan(0);
  });

  it('is killed and started again: the run waits for it, and its worker comes back by itself', async () => {
    const { coordinator, port } = await startCoordinator('killed', 1, stepIsDone(4));
    const at = await freePort();
    const victim = startRelay('victim', port, at);
    const worker = startWorker('worker', at);
    await standsStill(coordinator);
    victim.kill('SIGKILL');
    await victim.finished;
    coordinator.kill('SIGCONT');
    await until('the run waits', () => coordinator.output().includes('none attached'));
    const again = startRelay('again', port, at);
    expect((await coordinator.finished).exitCode).toBe(0);
    for (const each of [again, worker]) expect((await each.finished).exitCode).toBe(0);
    expect(readMetrics(runDir('killed'))).toContainEqual(
      expect.objectContaining({ event: 'worker-left', node: 'victim' }),
    );
    expectSameBits('killed');
  });

  it('is frozen, and costs what a frozen node costs', async () => {
    const { coordinator, port } = await startCoordinator('frozen', 2, stepIsDone(4));
    const at = await freePort();
    const relay = startRelay('relay', port, at);
    const behind = startWorker('behind', at);
    const direct = startWorker('direct', port);
    await standsStill(coordinator);
    relay.kill('SIGSTOP');
    coordinator.kill('SIGCONT');
    expect((await coordinator.finished).exitCode).toBe(0);
    expect((await direct.finished).exitCode).toBe(0);
    relay.kill('SIGCONT');
    relay.kill('SIGTERM');
    await relay.finished;
    behind.kill('SIGKILL');
    expectSameBits('frozen');
  });

  it('lets its workers go on when the coordinator is killed and resumed', async () => {
    const { coordinator, port } = await startCoordinator('resumed', 2, stepIsDone(7));
    const at = await freePort();
    const relay = startRelay('relay', port, at);
    const workers = [startWorker('a', at), startWorker('b', at)];
    await standsStill(coordinator);
    coordinator.kill('SIGKILL');
    await coordinator.finished;
    await until('the relay has noticed', () => relay.output().includes('not connected'));
    const listen = ['--listen', `127.0.0.1:${port}`];
    const resumed = await run(['coordinator', '--resume', runDir('resumed'), ...listen], ENV);
    expect(resumed).toMatchObject({ exitCode: 0, stderr: '' });
    for (const each of [relay, ...workers]) expect((await each.finished).exitCode).toBe(0);
    for (const worker of workers) expect(worker.output()).not.toContain('not connected (the connection');
    expectSameBits('resumed');
  });

  it('is asked to stop: what it holds is answered, and its workers look for it again', async () => {
    const { coordinator, port } = await startCoordinator('drained', 2, stepIsDone(5));
    const at = await freePort();
    const relay = startRelay('relay', port, at);
    const behind = startWorker('behind', at);
    const direct = startWorker('direct', port);
    await standsStill(coordinator);
    relay.kill('SIGTERM');
    await until('it drains', () => relay.output().includes('finishing work in progress'));
    coordinator.kill('SIGCONT');
    expect((await relay.finished).exitCode).toBe(143);
    await until('its worker looks for it', () => behind.output().includes('not connected'));
    expect((await coordinator.finished).exitCode).toBe(0);
    expect((await direct.finished).exitCode).toBe(0);
    expectSameBits('drained');
  });

  it('asks for the token, and for one of its own where others can reach it', async () => {
    const { coordinator, port } = await startCoordinator('refusing', 1);
    const at = await freePort();
    const relay = startRelay('relay', port, at);
    await until('it takes part', () => relay.output().includes('listening on'));
    const stranger = await start(['worker', urlOf(at), '--threads', '1'], { LOCKSTEP_TOKEN: 'wrong' })
      .finished;
    expect(stranger).toMatchObject({ exitCode: 1 });
    expect(stranger.stderr).toContain('the token is missing or wrong');
    const open = await run(['relay', urlOf(port), '--listen', '0.0.0.0:0', '--insecure']);
    expect(open.exitCode).toBe(2);
    expect(open.stderr).toContain("give the coordinator's with LOCKSTEP_TOKEN or --token-file");
    const itself = await run(['relay', urlOf(at), '--listen', `127.0.0.1:${at}`], ENV);
    expect(itself.exitCode).toBe(2);
    expect(itself.stderr).toContain('listen on another port');
    const taken = await run(['relay', urlOf(port), '--listen', `127.0.0.1:${at}`], ENV);
    expect(taken.exitCode).toBe(1);
    expect(taken.stderr).toContain('E_LISTEN');
    for (const each of [relay, coordinator]) each.kill('SIGINT');
    expect((await coordinator.finished).exitCode).toBe(130);
    expect((await relay.finished).exitCode).toBe(130);
  });
});
