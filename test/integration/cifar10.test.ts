/** Real CIFAR-10, end to end, in one process and over two attached nodes. */

import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import {
  cifar10Folder,
  freePort,
  killAll,
  readResult,
  run,
  start,
  temporaryFolder,
} from './support/lockstep.js';

const data = cifar10Folder();
if (data === undefined) {
  console.warn(
    'skipped: CIFAR-10 is not at LOCKSTEP_CIFAR10_DIR, nor in ../shared/cifar10 beside the repository',
  );
}

afterEach(killAll);

describe.skipIf(data === undefined)('CIFAR-10', () => {
  const recipe = [
    ...['--dataset', 'cifar10', '--data-dir', data ?? '', '--model', 'resnet8', '--train-limit', '5000'],
    ...['--epochs', '5', '--schedule', 'onecycle', '--seed', '1'],
  ];
  const folder = temporaryFolder();
  const [local, remote] = [path.join(folder, 'local'), path.join(folder, 'remote')];

  it('ResNet-8 on 5,000 images learns: above 45 % after five epochs', async () => {
    const { exitCode, stderr } = await run(['train', ...recipe, '--run-dir', local]);
    expect(stderr).toBe('');
    expect(exitCode).toBe(0);
    expect(readResult(local).bestValidationAccuracy).toBeGreaterThan(0.45);
  });

  it('two attached nodes do the same, to the last bit', async () => {
    const port = await freePort();
    const listen = ['--listen', `127.0.0.1:${port}`, '--min-workers', '2'];
    const coordinator = start(['coordinator', ...recipe, '--run-dir', remote, ...listen]);
    const workers = [1, 2].map(() => start(['worker', `ws://127.0.0.1:${port}`, '--threads', '1']));
    expect((await coordinator.finished).exitCode).toBe(0);
    for (const worker of workers) expect((await worker.finished).exitCode).toBe(0);
    expect(readResult(remote)).toMatchObject({
      weightsSha256: readResult(local).weightsSha256,
      lastWeightsSha256: readResult(local).lastWeightsSha256,
      exact: true,
    });
  });

  it('the test set is opened by `evaluate` alone', async () => {
    const outcome = await run(['evaluate', local, '--data-dir', data ?? '', '--json']);
    expect(outcome.exitCode).toBe(0);
    const { testSamples, testAccuracy, weightsSha256 } = JSON.parse(outcome.stdout) as Record<
      string,
      unknown
    >;
    expect(testSamples).toBe(10_000);
    expect(testAccuracy).toBeGreaterThan(0.4);
    expect(weightsSha256).toBe(readResult(local).weightsSha256);
  });
});
