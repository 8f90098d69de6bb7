/** `lockstep launch` by a real mpirun, by the variables of torchrun and by hand; ranks that are late, die and return. */

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  freePort,
  killAll,
  readMetrics,
  readResult,
  REPOSITORY,
  run,
  start,
  startProgram,
  temporaryFolder,
  until,
} from './support/lockstep.js';
import type { Running } from './support/lockstep.js';
import { lastIsSaved, standingStillAt, standsStill, stepIsDone } from './support/standStill.js';

const RECIPE = [
  ...['--dataset', 'synthetic', '--model', 'resnet8', '--train-limit', '300', '--val-size', '100'],
  ...['--batch-size', '48', '--micro-batch', '24', '--epochs', '2', '--patience', '0', '--engine', 'simd'],
];
const STEPS = 14;
const LAUNCH = ['launch', ...RECIPE, '--workers', '1', '--checkpoint-every', '2', '--resume', 'auto'];

const hasMpi = spawnSync('mpirun', ['--version']).status === 0;
if (!hasMpi)
  console.warn('SKIPPED: launch is tested by no mpirun: none is installed (bash scripts/setup-slurm.sh)');

let folder: string;
let undisturbed: string;

beforeAll(async () => {
  folder = temporaryFolder();
  const runDir = path.join(folder, 'undisturbed');
  const { exitCode } = await run(['train', ...RECIPE, '--workers', '2', '--run-dir', runDir]);
  expect(exitCode).toBe(0);
  undisturbed = readResult(runDir).weightsSha256;
});

afterEach(killAll);
afterAll(killAll);

/** Rank 0 waits for all: a run of seconds could end before the last of them has come. */
const all = (ranks: number): readonly string[] => ['--min-workers', String(ranks)];

const exact = () => ({ weightsSha256: undisturbed, exact: true, stoppedBy: 'epochs' });

describe.skipIf(!hasMpi)('mpirun', () => {
  it('three processes train as one does', async () => {
    const runDir = path.join(folder, 'mpi');
    const asRoot = process.getuid?.() === 0 ? ['--allow-run-as-root'] : [];
    const lockstep = [process.execPath, path.join(REPOSITORY, 'bin', 'lockstep')];
    const { exitCode, stdout } = await startProgram('mpirun', [
      ...['-np', '3', '--oversubscribe', ...asRoot, ...lockstep, ...LAUNCH, ...all(3), '--run-dir', runDir],
    ]).finished;
    expect(exitCode, stdout).toBe(0);
    for (const rank of [0, 1, 2]) expect(stdout).toContain(`rank ${rank} of 3 (openmpi, job `);
    const joined = readMetrics(runDir).filter(({ event }) => event === 'worker-joined');
    expect(joined.map(({ node }) => node?.replace(/.*:/, '')).sort()).toEqual(['local', 'rank1', 'rank2']);
    expect(readResult(runDir)).toMatchObject(exact());
  });
});

/** One rank of a job of three, by the variables that torchrun and Kubeflow set. */
function rank(
  number: number,
  port: number,
  runDir: string,
  more: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): Running {
  const place = {
    RANK: String(number),
    WORLD_SIZE: '3',
    MASTER_ADDR: '127.0.0.1',
    MASTER_PORT: String(port),
  };
  return start([...LAUNCH, ...all(3), '--run-dir', runDir, ...more], { ...place, ...env });
}

describe('the variables of torchrun', () => {
  it('ranks may be early, die and return; rank 0 too, with the same line', async () => {
    const runDir = path.join(folder, 'torch');
    const port = await freePort();
    const first = rank(1, port, runDir);
    await until('rank 1 waits for rank 0', () => first.output().includes('waiting for rank 0'));
    const zero = rank(0, port, runDir, [], standingStillAt(stepIsDone(1), lastIsSaved(2, STEPS)));
    const other = rank(2, port, runDir);
    await standsStill(zero);
    await until('all take part', () => [first, other].every((each) => each.output().includes('taking part')));
    const token = path.join(runDir, '.launch-token');
    expect(statSync(token).mode & 0o777).toBe(0o600);
    other.kill('SIGKILL');
    zero.kill('SIGCONT');
    await standsStill(zero);
    zero.kill('SIGKILL');
    await zero.finished;
    const again = rank(0, port, runDir);
    const replaced = rank(2, port, runDir);
    const ends = await Promise.all([again, replaced, first].map(({ finished }) => finished));
    expect(ends.map(({ exitCode }) => exitCode)).toEqual([0, 0, 0]);
    expect(ends[0]!.stdout).toMatch(/resumed after step \d/);
    expect(readResult(runDir)).toMatchObject(exact());
    expect(existsSync(token)).toBe(false); // nobody is to come in any more
  });

  it('a rank that was away when the run ended ends too', async () => {
    const runDir = path.join(folder, 'away');
    const port = await freePort();
    const options = ['--heartbeat-timeout', '3', ...all(2)];
    const zero = rank(0, port, runDir, options, standingStillAt(stepIsDone(1)));
    const one = rank(1, port, runDir, options);
    await standsStill(zero);
    one.kill('SIGSTOP');
    zero.kill('SIGCONT');
    expect((await zero.finished).exitCode).toBe(0);
    one.kill('SIGCONT');
    expect((await one.finished).exitCode).toBe(0);
    expect(one.output()).toContain('the run has ended');
  });

  it('a warning has every rank save or hand back, and end with the status of the signal', async () => {
    const runDir = path.join(folder, 'warned');
    const port = await freePort();
    const warned = ['--stop-signal', 'USR1'];
    const zero = rank(0, port, runDir, warned, standingStillAt(stepIsDone(3)));
    const ranks = [zero, ...[1, 2].map((number) => rank(number, port, runDir, warned))];
    await standsStill(zero);
    for (const each of ranks) each.kill('SIGUSR1');
    zero.kill('SIGCONT');
    const sinceMs = performance.now();
    const ends = await Promise.all(ranks.map(({ finished }) => finished));
    console.info(`saved and ended ${((performance.now() - sinceMs) / 1000).toFixed(1)} s after the warning`);
    expect(ends.map(({ exitCode }) => exitCode)).toEqual([138, 138, 138]);
    expect(readResult(runDir).stoppedBy).toBe('signal');
    // The same line, now of one process, goes on; of a run that is complete, it has nothing to do.
    const alone = await run([...LAUNCH, '--run-dir', runDir]);
    expect([alone.exitCode, alone.stderr]).toEqual([0, '']);
    expect(readResult(runDir)).toMatchObject(exact());
    const complete = await run([...LAUNCH, '--run-dir', runDir]);
    expect([complete.exitCode, complete.stderr]).toEqual([0, '']);
    expect(complete.stdout).toContain('is complete');
  });

  it('with a secret of one’s own, ranks need no folder in common', async () => {
    const port = await freePort();
    const place = (number: number): readonly string[] => [
      ...['--rank', String(number), '--world-size', '2', '--coordinator', `127.0.0.1:${port}`, ...all(2)],
      ...['--run-dir', path.join(folder, `own-${number}`)],
    ];
    const env = { LOCKSTEP_TOKEN: 'a-secret-of-this-test' };
    const processes = [0, 1].map((number) => start([...LAUNCH, ...place(number)], env));
    const ends = await Promise.all(processes.map(({ finished }) => finished));
    expect(ends.map(({ exitCode }) => exitCode)).toEqual([0, 0]);
    expect(readResult(path.join(folder, 'own-0'))).toMatchObject(exact());
    expect(existsSync(path.join(folder, 'own-1'))).toBe(false);
  });

  it('refuses a secret that others can read', async () => {
    const runDir = path.join(folder, 'open');
    mkdirSync(runDir);
    writeFileSync(path.join(runDir, '.launch-token'), 'known-to-all\n', { mode: 0o644 });
    const { exitCode, stderr } = await rank(1, await freePort(), runDir).finished;
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/\.launch-token must be a file of this user that nobody else can read.*\[E_IO\]/);
  });
});

describe('--resume auto', () => {
  it.each([
    ['train', ['--workers', '2']],
    ['coordinator', ['--workers', '2', '--listen', '127.0.0.1:0']],
  ] as const)(
    '%s begins, goes on after a kill, and ends well when all is done, by one line',
    async (command, more) => {
      const runDir = path.join(folder, `auto-${command}`);
      const config = path.join(folder, `${command}.json`);
      writeFileSync(config, JSON.stringify({ checkpointEvery: 2 }));
      const line = [command, ...RECIPE, ...more, '--config', config, '--run-dir', runDir, '--resume', 'auto'];
      const first = start(line, standingStillAt(lastIsSaved(4, STEPS)));
      await standsStill(first);
      first.kill('SIGKILL');
      await first.finished;
      const second = await run(line);
      expect([second.exitCode, second.stderr]).toEqual([0, '']);
      expect(second.stdout).toMatch(/resumed after step \d/);
      expect(readResult(runDir)).toMatchObject(exact());
      const third = await run(line);
      expect([third.exitCode, third.stderr]).toEqual([0, '']);
      expect(third.stdout).toContain('is complete');
      const changed = await run([...line, '--lr', '0.5']);
      expect(changed.exitCode).toBe(2); // the line of another run
    },
  );

  it('needs a folder', async () => {
    const { exitCode, stderr } = await run(['train', ...RECIPE, '--resume', 'auto']);
    expect([exitCode, stderr]).toEqual([2, expect.stringContaining('--run-dir')]);
  });
});
