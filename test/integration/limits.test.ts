/** Limits that a system sets on a process: of its address space, and of its threads. */

import { spawnSync } from 'node:child_process';
import { chmodSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { killAll, readResult, REPOSITORY, run, startProgram, temporaryFolder } from './support/lockstep.js';
import type { Finished } from './support/lockstep.js';

const TINY = [
  ...['train', '--dataset', 'synthetic', '--model', 'resnet8', '--train-limit', '96', '--val-size', '0'],
  ...['--batch-size', '32', '--micro-batch', '8', '--max-steps', '2', '--workers', '3', '--engine', 'simd'],
];
/** Three threads and the coordinator reserve 9 to 12 GB each, and with the flag 5 to 9 GB in all: between the two sums. */
const LIMIT_KB = 20_000_000;
const folder = temporaryFolder();
const onLinux = process.platform === 'linux';
const bin = path.join(REPOSITORY, 'bin', 'lockstep');
const canExec = typeof (process as unknown as { execve?: unknown }).execve === 'function';
const isUnlimited =
  onLinux && /^Max address space +unlimited/m.test(readFileSync('/proc/self/limits', 'utf8'));

afterEach(killAll);

function limited(
  limit: string,
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<Finished> {
  return startProgram('bash', ['-c', `${limit}; exec "$0" "$@"`, process.execPath, bin, ...args], env)
    .finished;
}

describe.skipIf(!onLinux || !isUnlimited)('a limited address space', () => {
  it('is told from lack of SIMD, and is enough with the flag that the message names', async () => {
    const plain = path.join(folder, 'plain');
    expect((await run([...TINY, '--run-dir', plain])).exitCode).toBe(0);
    const limit = `ulimit -v ${LIMIT_KB}`;
    const named = path.join(folder, 'named');
    const unaided = await limited(limit, [...TINY, '--run-dir', named]);
    if (canExec) {
      expect(unaided).toMatchObject({ exitCode: 0, stderr: '' });
      expect(readResult(named).weightsSha256).toBe(readResult(plain).weightsSha256);
    } else {
      expect(unaided.exitCode).toBe(1);
      expect(unaided.stderr).toMatch(
        /address space.*ulimit -v.*--disable-wasm-trap-handler.*\[E_RESOURCES\]/,
      );
      expect(unaided.stderr).not.toMatch(/no WebAssembly SIMD|\n {4}at /);
    }
    const aided = path.join(folder, 'aided');
    const flag = { NODE_OPTIONS: '--disable-wasm-trap-handler' };
    expect((await limited(limit, [...TINY, '--run-dir', aided], flag)).exitCode).toBe(0);
    expect(readResult(aided).weightsSha256).toBe(readResult(plain).weightsSha256);
  });
});

/** Root is not held to the limit of processes. */
const isRoot = process.getuid?.() === 0;
const asNobody = spawnSync('su', ['nobody', '-s', '/bin/bash', '-c', `test -r ${bin}`]).status === 0;

describe.skipIf(!onLinux || !isRoot || !asNobody)('a limited number of threads', () => {
  it('is named, without a stack trace', async () => {
    const command = [
      process.execPath,
      bin,
      ...TINY,
      '--workers',
      '30',
      '--run-dir',
      path.join(folder, 'threads'),
    ];
    chmodSync(folder, 0o777);
    const script = `ulimit -u 20; exec ${command.join(' ')}`;
    const { exitCode, stderr } = await startProgram('su', ['nobody', '-s', '/bin/bash', '-c', script])
      .finished;
    expect(stderr).toMatch(/30 worker thread.*ulimit -u.*\[E_RESOURCES\]/);
    expect(stderr).not.toMatch(/\n {4}at /);
    expect(exitCode).toBe(1);
  });
});
