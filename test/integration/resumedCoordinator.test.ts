/** A coordinator that is stopped and resumed: its workers find it again, though nobody repeats its options. */

import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import {
  freePort,
  killAll,
  readResult,
  start,
  temporaryFolder,
  untilListening,
  untilStep,
} from './support/lockstep.js';

/** More epochs than the test waits for: the run must not end by itself. */
const ENDLESS = ['--epochs', '1000000'];
const TINY = [
  ...['--dataset', 'synthetic', '--model', 'resnet8', '--train-limit', '96', '--val-size', '0'],
  ...['--batch-size', '32', '--micro-batch', '16', '--schedule', 'constant'],
];

afterEach(killAll);

describe('coordinator --resume', () => {
  it('listens where it listened before, and its worker comes back', async () => {
    const port = await freePort();
    const runDir = path.join(temporaryFolder(), 'run');
    const listen = ['--listen', `127.0.0.1:${port}`, '--heartbeat-timeout', '20'];
    const first = start(['coordinator', ...TINY, ...ENDLESS, ...listen, '--run-dir', runDir]);
    await untilListening(first);
    const worker = start(['worker', `ws://127.0.0.1:${port}`, '--threads', '1']);
    await untilStep(runDir, 2);
    first.kill('SIGTERM');
    const { exitCode, stdout } = await first.finished;
    expect(exitCode).toBe(143);
    const pasted = /continue with: \S+ (.*)/.exec(stdout)![1]!.split(' ');
    expect(pasted).toEqual(['coordinator', '--resume', runDir]);

    const { stepsCompleted } = readResult(runDir);
    const resumed = start([...pasted, '--max-steps', String(stepsCompleted + 3)]);
    expect((await resumed.finished).exitCode).toBe(0);
    expect((await worker.finished).exitCode).toBe(0);
    expect(readResult(runDir).stoppedBy).toBe('max-steps');
    const config = JSON.parse(readFileSync(path.join(runDir, 'config.json'), 'utf8')) as object;
    expect(config).toMatchObject({ listen: `127.0.0.1:${port}`, heartbeatTimeout: 20 });
  });
});
