/**
 * The promise, on real processes: same seed, same weights, to the last bit — whatever the number of workers, whoever
 * comes, leaves or dies, and wherever the run is interrupted.
 */

import { writeFileSync } from 'node:fs';
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
  untilListening,
} from './support/lockstep.js';
import type { Running } from './support/lockstep.js';
import { countingLink } from './support/countingLink.js';
import { standingStillAt, standsStill, stepIsDone } from './support/standStill.js';

/** Steps of three micro-batches, the last of an epoch smaller, two epochs, validation in three chunks, dropout and augmentation on. */
const RECIPE = [
  ...['--dataset', 'synthetic', '--model', 'resnet8', '--train-limit', '600', '--val-size', '250'],
  ...[
    '--epochs',
    '2',
    '--batch-size',
    '48',
    '--micro-batch',
    '16',
    '--dropout',
    '0.2',
    '--schedule',
    'onecycle',
  ],
  ...['--seed', '5', '--checkpoint-every', '3'],
];
const STEPS = 26;

const folder = temporaryFolder();
const runDir = (name: string): string => path.join(folder, name);
let reference: ReturnType<typeof readResult>;

async function train(name: string, ...more: string[]): Promise<void> {
  const { exitCode, stderr } = await run(['train', ...RECIPE, '--run-dir', runDir(name), ...more]);
  expect(stderr).toBe('');
  expect(exitCode).toBe(0);
}

/** Equal at the end, and after every epoch on the way. */
function expectSameBits(name: string): void {
  const result = readResult(runDir(name));
  expect(result).toMatchObject({
    weightsSha256: reference.weightsSha256,
    lastWeightsSha256: reference.lastWeightsSha256,
    stepsCompleted: STEPS,
    stoppedBy: 'epochs',
    exact: true,
  });
  expect(epochDigests(runDir(name))).toEqual(epochDigests(runDir('reference')));
}

beforeAll(async () => {
  await train('reference', '--workers', '1');
  reference = readResult(runDir('reference'));
});
afterEach(killAll);

describe('threads', () => {
  it.each([2, 3])('%i workers end in the bits of one', async (workers) => {
    await train(`threads-${workers}`, '--workers', String(workers));
    expectSameBits(`threads-${workers}`);
  });

  it('another seed ends in other bits', async () => {
    await train('other-seed', '--seed', '6');
    expect(readResult(runDir('other-seed')).weightsSha256).not.toBe(reference.weightsSha256);
  });
});

/** A small network that starts from the images, and every part of a recipe that has state or draws of its own. */
const PARTS_NETWORK = {
  inputShape: { height: 32, width: 32, channels: 3 },
  classCount: 10,
  layers: [
    {
      ...{ kind: 'convolution', name: 'whitening', channels: 24, kernelSize: 2, bias: true },
      ...{ frozen: ['weight'], initial: { weight: { kind: 'whitening' } } },
    },
    { kind: 'gelu', name: 'gelu' },
    { kind: 'convolution', name: 'conv', channels: 8, initial: { weight: { kind: 'dirac' } } },
    { kind: 'max-pool', name: 'pool1', size: 2 },
    { kind: 'batch-normalisation', name: 'norm', momentum: 0.4, frozen: ['scale'] },
    { kind: 'global-average-pool', name: 'pool' },
    { kind: 'dense', name: 'dense', channels: 10, bias: false },
  ],
};

describe.each([
  ['ema', 'sgd'],
  ['lookahead', 'muon'],
] as const)('a recipe with all parts, averaging by %s, optimizer %s', (averaging, optimizer) => {
  const file = path.join(folder, 'parts.json');
  const recipe = [
    ...[
      '--dataset',
      'synthetic',
      '--model',
      file,
      '--train-limit',
      '500',
      '--val-size',
      '210',
      '--seed',
      '3',
    ],
    ...[
      '--epochs',
      '2.6',
      '--batch-size',
      '64',
      '--micro-batch',
      '16',
      '--drop-last',
      '--checkpoint-every',
      '3',
    ],
    ...[
      '--lr',
      '0.5',
      '--schedule',
      'triangular',
      '--warmup-epochs',
      '0.7',
      '--final-lr',
      '0.01',
      '--nesterov',
    ],
    ...[
      '--crop-padding',
      '2',
      '--border',
      'reflect',
      '--flip',
      'alternating',
      '--cutout',
      '6',
      '--colour-jitter',
      '0.3',
      '--mixup',
      '0.4',
      '--tta',
      'full',
    ],
    ...[
      '--label-smoothing',
      '0.2',
      '--shift-lr-factor',
      '8',
      '--decay-on',
      'weights',
      '--averaging',
      averaging,
      '--optimizer',
      optimizer,
    ],
  ];
  const dirOf = (name: string): string => runDir(`${averaging}-${name}`);

  it('ends in the same bits with 1 and 3 workers, by a node, and after a kill in mid-epoch', async () => {
    writeFileSync(file, JSON.stringify(PARTS_NETWORK));
    for (const workers of ['1', '3']) {
      const trained = await run(['train', ...recipe, '--workers', workers, '--run-dir', dirOf(workers)]);
      expect(trained).toMatchObject({ exitCode: 0, stderr: '' });
    }
    const port = await freePort();
    const listen = ['--listen', `127.0.0.1:${port}`];
    const coordinator = start(['coordinator', ...recipe, '--run-dir', dirOf('node'), ...listen]);
    const worker = start(['worker', `ws://127.0.0.1:${port}`, '--threads', '1']);
    for (const { finished } of [coordinator, worker]) expect(await finished).toMatchObject({ exitCode: 0 });
    const victim = start(
      ['train', ...recipe, '--workers', '2', '--run-dir', dirOf('killed')],
      standingStillAt(stepIsDone(5)),
    );
    await standsStill(victim);
    victim.kill('SIGKILL');
    await victim.finished;
    expect(await run(['train', '--resume', dirOf('killed')])).toMatchObject({ exitCode: 0, stderr: '' });
    const [one, ...others] = ['1', '3', 'node', 'killed'].map((name) => {
      const { weightsSha256, lastWeightsSha256, stepsCompleted } = readResult(dirOf(name));
      return { weightsSha256, lastWeightsSha256, stepsCompleted, epochs: epochDigests(dirOf(name)) };
    });
    expect(one!.stepsCompleted).toBe(18); // 500 images make 7 steps of 64, and 2.6 epochs 18.2
    for (const other of others) expect(other).toEqual(one);
  });
});

describe('interruptions', () => {
  /** A training that stands still when it has done the step. */
  function startTraining(name: string, step: number, ...more: string[]): Running {
    return start(['train', ...RECIPE, '--run-dir', runDir(name), ...more], standingStillAt(stepIsDone(step)));
  }

  it('a run killed in mid-epoch and resumed ends in the same bits', async () => {
    const victim = startTraining('killed', 5, '--workers', '2');
    await standsStill(victim);
    victim.kill('SIGKILL');
    expect((await victim.finished).signal).toBe('SIGKILL');
    const resumed = await run(['train', '--resume', runDir('killed')]);
    expect(resumed).toMatchObject({ exitCode: 0, stderr: '' });
    expectSameBits('killed');
    const steps = readMetrics(runDir('killed')).filter(({ event }) => event === 'step');
    expect(steps.map(({ step }) => step)).toEqual(Array.from({ length: STEPS }, (_, index) => index + 1));
  });

  it('a run killed before its first checkpoint by steps is resumed from its start', async () => {
    const victim = startTraining('killed-early', 1);
    await standsStill(victim);
    victim.kill('SIGKILL');
    await victim.finished;
    expect((await run(['train', '--resume', runDir('killed-early')])).exitCode).toBe(0);
    expectSameBits('killed-early');
  });

  it('Ctrl-C saves first, exits with 130, and the resumed run ends in the same bits', async () => {
    const stopped = startTraining('stopped', 9);
    await standsStill(stopped);
    stopped.kill('SIGINT');
    stopped.kill('SIGCONT');
    const { exitCode, stdout } = await stopped.finished;
    expect(exitCode).toBe(130);
    expect(stdout).toContain(`--resume ${runDir('stopped')}`);
    const partial = readResult(runDir('stopped'));
    expect(partial.stoppedBy).toBe('signal');
    const resumed = await run(['train', '--resume', runDir('stopped'), '--json']);
    expect(resumed.exitCode).toBe(0);
    expect(resumed.stdout).toContain(`"resumedAtStep":${partial.stepsCompleted}`);
    expectSameBits('stopped');
  });

  it('stopping at --max-steps, then going on to the end, makes no difference', async () => {
    await train('limited', '--max-steps', '8');
    expect(readResult(runDir('limited'))).toMatchObject({ stoppedBy: 'max-steps', stepsCompleted: 8 });
    const again = await run(['train', '--resume', runDir('limited')]);
    expect(again.exitCode).toBe(1);
    expect(again.stderr).toContain('E_RUN_COMPLETE');
    expect((await run(['train', '--resume', runDir('limited'), '--max-steps', '99'])).exitCode).toBe(0);
    expectSameBits('limited');
  });
});

describe('nodes', () => {
  const TOKEN = 'integration-secret';

  async function startCoordinator(
    name: string,
    minWorkers: number,
    ...standStillAt: readonly RegExp[]
  ): Promise<{ coordinator: Running; url: string }> {
    const port = await freePort();
    const listen = ['--listen', `127.0.0.1:${port}`, '--min-workers', String(minWorkers)];
    const coordinator = start(['coordinator', ...RECIPE, '--run-dir', runDir(name), ...listen], {
      LOCKSTEP_TOKEN: TOKEN,
      ...standingStillAt(...standStillAt),
    });
    return { coordinator, url: `ws://127.0.0.1:${port}` };
  }

  function startWorker(url: string, ...more: string[]): Running {
    return start(['worker', url, ...(more.includes('--threads') ? [] : ['--threads', '1']), ...more], {
      LOCKSTEP_TOKEN: TOKEN,
    });
  }

  it('two worker processes end in the bits of one thread', async () => {
    const { coordinator, url } = await startCoordinator('two-nodes', 2);
    const workers = [startWorker(url), startWorker(url)];
    expect((await coordinator.finished).exitCode).toBe(0);
    for (const worker of workers) {
      const { exitCode, stdout } = await worker.finished;
      expect(exitCode).toBe(0);
      expect(stdout).toContain('the run has ended');
    }
    expectSameBits('two-nodes');
  });

  it('two workers of two threads each send sums of gradients, and end in the bits of one thread', async () => {
    const { coordinator, url } = await startCoordinator('sums', 4);
    const link = await countingLink(Number(new URL(url).port));
    const workers = [1, 2].map(() => startWorker(`ws://127.0.0.1:${link.port}`, '--threads', '2'));
    expect((await coordinator.finished).exitCode).toBe(0);
    for (const worker of workers) expect((await worker.finished).exitCode).toBe(0);
    link.close();
    expectSameBits('sums');
    expect(link.countOf('sum')).toBeGreaterThan(0);
    expect(link.countOf('evaluated')).toBeGreaterThan(0); // which shows what is counted
    expect(link.countOf('apart')).toBe(0); // is no node's to send
    const microBatches = 2 * (12 * 3 + 2);
    expect(link.countOf('result') + 2 * link.countOf('sum')).toBeGreaterThanOrEqual(microBatches);
  });

  it('one worker is killed, another comes late: the same bits', async () => {
    const hasJoined = /"event":"worker-joined","node":"late"/;
    const { coordinator, url } = await startCoordinator('kill-and-join', 1, stepIsDone(2), hasJoined);
    const victim = startWorker(url, '--name', 'victim');
    await standsStill(coordinator);
    const late = startWorker(url, '--name', 'late');
    await until('its threads are ready', () => late.output().includes('1 worker(s)'));
    coordinator.kill('SIGCONT');
    await standsStill(coordinator);
    victim.kill('SIGKILL');
    coordinator.kill('SIGCONT');
    expect((await coordinator.finished).exitCode).toBe(0);
    expect((await late.finished).exitCode).toBe(0);
    expect(readMetrics(runDir('kill-and-join'))).toContainEqual(
      expect.objectContaining({ event: 'worker-left', node: 'victim' }),
    );
    expectSameBits('kill-and-join');
  });

  it('a worker that is asked to stop finishes its work in progress; the run waits for the next one', async () => {
    const { coordinator, url } = await startCoordinator('drain', 1, stepIsDone(3));
    const first = startWorker(url, '--name', 'first');
    await standsStill(coordinator);
    first.kill('SIGTERM');
    await until('it drains', () => first.output().includes('finishing work in progress'));
    coordinator.kill('SIGCONT'); // hands out the next step's work, and then hears of it
    expect((await first.finished).exitCode).toBe(143);
    await until('the coordinator waits', () => coordinator.output().includes('none attached'));
    const second = startWorker(url, '--name', 'second');
    expect((await coordinator.finished).exitCode).toBe(0);
    expect((await second.finished).exitCode).toBe(0);
    expectSameBits('drain');
  });

  it('the coordinator is killed and resumed: its worker comes back by itself, and the bits are the same', async () => {
    const { coordinator, url } = await startCoordinator('coordinator-killed', 1, stepIsDone(4));
    const worker = startWorker(url);
    await standsStill(coordinator);
    coordinator.kill('SIGKILL');
    await coordinator.finished;
    await until('the worker has noticed', () => worker.output().includes('not connected'));
    const listen = ['--listen', url.replace('ws://', '')];
    const resumed = await run(['coordinator', '--resume', runDir('coordinator-killed'), ...listen], {
      LOCKSTEP_TOKEN: TOKEN,
    });
    expect(resumed).toMatchObject({ exitCode: 0, stderr: '' });
    expect((await worker.finished).exitCode).toBe(0);
    expectSameBits('coordinator-killed');
  });

  it('with no worker left the coordinator waits, saves, says so, and can be resumed', async () => {
    const port = await freePort();
    const listen = ['--listen', `127.0.0.1:${port}`, '--wait-timeout', '10'];
    const coordinator = start(
      ['coordinator', ...RECIPE, '--run-dir', runDir('deserted'), ...listen],
      standingStillAt(/listening/, stepIsDone(5)),
    );
    // It waits as long for the first one, too, which has to boot: that is over when the wait begins.
    await standsStill(coordinator);
    const worker = start(['worker', `ws://127.0.0.1:${port}`, '--threads', '1']);
    await until('its threads are ready', () => worker.output().includes('1 worker(s)'));
    coordinator.kill('SIGCONT');
    await standsStill(coordinator);
    worker.kill('SIGKILL');
    coordinator.kill('SIGCONT');
    const { exitCode, stderr } = await coordinator.finished;
    expect(exitCode).toBe(1);
    expect(stderr).toContain('E_NO_WORKERS');
    const resumed = await run(['train', '--resume', runDir('deserted'), '--json']);
    expect(resumed.exitCode).toBe(0);
    const at = Number(/"resumedAtStep":(\d+)/.exec(resumed.stdout)?.[1]);
    expect(at).toBeGreaterThanOrEqual(5); // not thrown back to the last regular checkpoint
    expectSameBits('deserted');
  });

  it('a worker without the token is refused and does not try again', async () => {
    const { coordinator, url } = await startCoordinator('refusing', 1);
    await untilListening(coordinator);
    const { exitCode, stderr } = await start(['worker', url, '--threads', '1', '--token', 'wrong']).finished;
    expect(exitCode).toBe(1);
    expect(stderr).toContain('E_REFUSED');
    expect(stderr).toContain('--token');
    expect(coordinator.output()).not.toContain(TOKEN);
    coordinator.kill('SIGINT');
    expect((await coordinator.finished).exitCode).toBe(130);
  });
});
