/** The command line with a GPU: real images, beside `simd` and mixed with it. */

import path from 'node:path';
import { afterEach, expect, it } from 'vitest';
import {
  cifar10Folder,
  freePort,
  killAll,
  readMetrics,
  readResult,
  run,
  start,
  temporaryFolder,
  until,
} from '../support/lockstep.js';
import { standingStillAt, standsStill, stepIsDone } from '../support/standStill.js';
import { relativeError } from '../../support/numbers.js';
import { describeOnGpu } from './support.js';

const data = cifar10Folder();
const dataset = data === undefined ? ['synthetic'] : ['cifar10', '--data-dir', data];
if (data === undefined) console.warn('CIFAR-10 is not here: the GPU trains on synthetic images');

afterEach(killAll);

/** Gentle, so that rounding is not blown up: batch statistics of two images are noise enough. */
const RECIPE = [
  ...['--dataset', ...dataset, '--model', 'resnet8', '--train-limit', '12', '--val-size', '4', '--seed', '1'],
  ...'--batch-size 4 --micro-batch 2 --max-steps 10 --schedule constant --lr 0.003'.split(' '),
];

/** Losses of every step and validation, in order. */
function losses(runDir: string): number[] {
  return readMetrics(runDir).flatMap((line) => {
    const { loss, validationLoss } = line as typeof line & { validationLoss?: number };
    return [loss, validationLoss].filter((value) => value !== undefined);
  });
}

const isStep = (
  { event, step }: { readonly event: string; readonly step?: unknown },
  wanted: number,
): boolean => event === 'step' && step === wanted;

describeOnGpu('lockstep train', () => {
  const folder = temporaryFolder();
  const [onGpu, onProcessor, mixed] = ['gpu', 'simd', 'mixed'].map((name) => path.join(folder, name)) as [
    string,
    string,
    string,
  ];

  it('takes ten steps as simd does, within rounding, and does not claim to be exact', async () => {
    const [gpu, simd] = await Promise.all([
      run(['train', ...RECIPE, '--engine', 'webgpu', '--device', '0', '--workers', '1', '--run-dir', onGpu]),
      run(['train', ...RECIPE, '--engine', 'simd', '--workers', '1', '--run-dir', onProcessor]),
    ]);
    expect(gpu.stderr).toBe('');
    expect([gpu.exitCode, simd.exitCode]).toEqual([0, 0]);
    expect(readResult(onGpu)).toMatchObject({ engine: 'webgpu', exact: false, stepsCompleted: 10 });
    expect(losses(onGpu)).toHaveLength(losses(onProcessor).length);
    expect(relativeError(losses(onGpu), losses(onProcessor))).toBeLessThan(1e-3);
  });

  it('trains on with a simd worker that joins, records both and is not exact', async () => {
    const port = await freePort();
    const listen = ['--listen', `127.0.0.1:${port}`, '--heartbeat-timeout', '120', '--run-dir', mixed];
    const coordinator = start(['coordinator', ...RECIPE, ...listen], standingStillAt(stepIsDone(2)));
    const attach = (engine: string) =>
      start([
        ...['worker', `ws://127.0.0.1:${port}`, '--threads', '1', '--engine', engine],
        ...['--heartbeat-timeout', '120'],
      ]);
    const gpu = attach('webgpu');
    await standsStill(coordinator);
    const simd = attach('simd');
    await until('its threads are ready', () => simd.output().includes('1 worker(s)'));
    // A real GPU would take all that is left before the other has its first item.
    gpu.kill('SIGSTOP');
    coordinator.kill('SIGCONT');
    await until('simd has taken a step', () => readMetrics(mixed).some((line) => isStep(line, 3)));
    gpu.kill('SIGCONT');
    for (const ended of [coordinator, gpu, simd]) expect((await ended.finished).exitCode).toBe(0);
    const { engine, exact, numericsClasses } = readResult(mixed);
    expect({ engine, exact }).toEqual({ engine: 'simd+webgpu', exact: false });
    expect(numericsClasses).toHaveLength(2);
    expect(relativeError(losses(mixed), losses(onProcessor))).toBeLessThan(1e-3);
  });

  it('refuses a device that is not there before anything else, with the list', async () => {
    const { exitCode, stderr } = await run(['train', ...RECIPE, '--device', 'no such device']);
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(
      /--device 'no such device' matches none of the adapters; use an index of: 0: .*E_OPTION/,
    );
  });
});
