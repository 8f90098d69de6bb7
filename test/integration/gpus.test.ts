/**
 * `--gpus`: a process for each GPU. The GPUs are said to be there by a stand-in for nvidia-smi, the arithmetic is
 * `simd`'s; the processes, signals and sockets are real.
 */

import { existsSync } from 'node:fs';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { FAKE_UUIDS, fakeGpuEnvironment, isRunning, workersOf } from './support/fakeGpus.js';
import {
  freePort,
  killAll,
  readMetrics,
  readResult,
  run,
  start,
  temporaryFolder,
  until,
  untilStep,
} from './support/lockstep.js';
import { standingStillAt, standsStill } from './support/standStill.js';

const onLinux = existsSync('/proc/self/stat');
const recipe = [
  ...['--dataset', 'synthetic', '--model', 'resnet8', '--train-limit', '640', '--val-size', '64'],
  ...['--epochs', '4', '--seed', '3', '--engine', 'simd'],
];
/** A run that does not end by itself: more epochs than any test waits for, and no early stopping. */
const ENDLESS = ['--epochs', '1000000', '--patience', '0'];
const HAS_JOINED = /"event":"worker-joined"/;
const environment = fakeGpuEnvironment();
const folder = temporaryFolder();

afterEach(killAll);

describe.skipIf(!onLinux)('train --gpus all', () => {
  it('trains on a process for each GPU, one of them killed; same bits as without', async () => {
    const plain = path.join(folder, 'plain');
    expect((await run(['train', ...recipe, '--workers', '1', '--run-dir', plain])).exitCode).toBe(0);

    const runDir = path.join(folder, 'gpus');
    const training = start(['train', ...recipe, '--gpus', 'all', '--run-dir', runDir], {
      ...environment,
      ...standingStillAt(HAS_JOINED, HAS_JOINED),
    });
    await standsStill(training);
    const workers = workersOf(training.child.pid!);
    expect(workers.map((worker) => worker.environment['CUDA_VISIBLE_DEVICES']).sort()).toEqual(FAKE_UUIDS);
    const [name] = namesOfJoined(runDir);
    const uuid = FAKE_UUIDS[Number(/gpu([01])$/.exec(name!)![1])];
    const first = workers.find((worker) => worker.environment['CUDA_VISIBLE_DEVICES'] === uuid)!;
    expect(first.args.join(' ')).not.toContain(first.environment['LOCKSTEP_TOKEN']);
    // Left to itself, the one that has come first might do all the work before the other has started.
    process.kill(first.pid, 'SIGSTOP');
    training.kill('SIGCONT');
    await standsStill(training);
    expect(namesOfJoined(runDir)).toHaveLength(2);
    process.kill(first.pid, 'SIGKILL');
    training.kill('SIGCONT');
    const outcome = await training.finished;
    expect(outcome.exitCode).toBe(0);
    expect(readMetrics(runDir).some(({ event }) => event === 'worker-left')).toBe(true);
    expect(readResult(runDir)).toMatchObject({
      weightsSha256: readResult(plain).weightsSha256,
      exact: true,
      engine: 'simd',
    });
    for (const { pid } of workers) expect(isRunning(pid)).toBe(false);
  });

  it('starts a killed one again, and leaves none behind when it is killed itself', async () => {
    const runDir = path.join(folder, 'killed');
    const endless = [...recipe, ...ENDLESS, '--gpus', '2', '--run-dir', runDir];
    const training = start(['train', ...endless], environment);
    await untilStep(runDir, 1);
    await until('both have joined', () => namesOfJoined(runDir).length >= 2);
    const workers = workersOf(training.child.pid!);
    expect(workers).toHaveLength(2);
    process.kill(workers[0]!.pid, 'SIGKILL');
    await until('the killed one is back', () => namesOfJoined(runDir).length >= 3);
    workers.push(...workersOf(training.child.pid!));
    training.kill('SIGKILL');
    await training.finished;
    await until('its workers have ended', () => workers.every(({ pid }) => !isRunning(pid)));
  });

  it('computes in the class that was asked for, and again when it is resumed', async () => {
    const runDir = path.join(folder, 'numerics');
    const inClass = ['--engine', 'simd', '--numerics', 'simd', '--max-steps', '2'];
    const first = await run(
      ['train', ...recipe, ...inClass, '--gpus', '1', '--run-dir', runDir],
      environment,
    );
    expect(first.exitCode).toBe(0);
    const resumed = ['train', '--resume', runDir, '--gpus', '1', '--max-steps', '4'];
    expect((await run(resumed, environment)).exitCode).toBe(0);
    expect(readResult(runDir)).toMatchObject({
      numericsClasses: [expect.stringMatching(/^simd\//)],
      stepsCompleted: 4,
    });
  });

  it('names GPUs that are not there, and machines without any', async () => {
    const wrong = await run(['train', ...recipe, '--gpus', '0,7'], environment);
    expect(wrong.exitCode).toBe(2);
    expect(wrong.stderr).toMatch(/no GPU 7 here.*E_OPTION/);
    const none = await run(['train', ...recipe, '--gpus', 'all'], { PATH: '/nonexistent' });
    expect(none.exitCode).toBe(1);
    expect(none.stderr).toMatch(/no NVIDIA GPU.*docs\/gpu\.md.*E_ENGINE_UNAVAILABLE/);
  });
});

describe.skipIf(!onLinux)('worker --gpus', () => {
  it('attaches a process for each GPU; SIGTERM has them finish their work and leave', async () => {
    const port = await freePort();
    const runDir = path.join(folder, 'coordinated');
    const listen = ['--listen', `127.0.0.1:${port}`, '--min-workers', '2', '--token', 'secret'];
    const coordinator = start(['coordinator', ...recipe, ...ENDLESS, '--run-dir', runDir, ...listen]);
    const ofEach = [
      '--engine',
      'simd',
      '--numerics',
      'simd',
      '--heartbeat-timeout',
      '30',
      '--retry-for',
      '600',
    ];
    const worker = start(
      [
        ...['worker', `ws://127.0.0.1:${port}`, '--gpus', 'all', ...ofEach],
        ...['--no-tune', '--name', 'x', '--token', 'secret'],
      ],
      environment,
    );
    await untilStep(runDir, 2);
    const processes = workersOf(worker.child.pid!);
    expect(processes).toHaveLength(2);
    for (const flagAt of [0, 2, 4, 6]) {
      const given = ofEach.slice(flagAt, flagAt + 2).join(' ');
      for (const { args } of processes) expect(args.join(' ')).toContain(given);
    }
    for (const { args } of processes) expect(args.join(' ')).toMatch(/ --no-tune *( --|$)/);
    expect(new Set(namesOfJoined(runDir))).toEqual(new Set(['x:gpu0', 'x:gpu1']));
    worker.kill('SIGTERM');
    const outcome = await worker.finished;
    expect(outcome.exitCode).toBe(143);
    expect(outcome.stdout).toMatch(/gpu0: connected to/);
    expect(outcome.stdout).toMatch(/gpu1: SIGTERM: finishing work/);
    for (const { pid } of processes) expect(isRunning(pid)).toBe(false);
    await until('both have left', () => left(runDir) >= 2);
    coordinator.kill('SIGTERM');
    expect((await coordinator.finished).exitCode).toBe(143);
  });

  it('ends with the code of what refuses all of them', async () => {
    const port = await freePort();
    const runDir = path.join(folder, 'refused');
    const listen = ['--listen', `127.0.0.1:${port}`, '--token', 'secret'];
    const coordinator = start(['coordinator', ...recipe, '--run-dir', runDir, ...listen]);
    await until('it listens', () => coordinator.output().includes(String(port)));
    const outcome = await run(
      ['worker', `ws://127.0.0.1:${port}`, '--gpus', 'all', '--engine', 'simd', '--token', 'wrong'],
      environment,
    );
    expect(outcome.exitCode).toBe(1);
    expect(outcome.stderr).toMatch(/token is missing or wrong.*E_REFUSED/);
  });
});

function namesOfJoined(runDir: string): readonly string[] {
  return readMetrics(runDir).flatMap(({ event, node }) => (event === 'worker-joined' ? [node!] : []));
}

function left(runDir: string): number {
  return readMetrics(runDir).filter(({ event }) => event === 'worker-left').length;
}
