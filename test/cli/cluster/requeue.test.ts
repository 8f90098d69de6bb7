import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { requeueJob } from '../../../src/cli/cluster/requeue.js';
import { temporaryFolder } from '../../support/temporaryFolder.js';

function scontrol(...lines: readonly string[]): { readonly program: string; readonly calls: () => string } {
  const folder = temporaryFolder();
  const program = path.join(folder, 'scontrol');
  const log = path.join(folder, 'calls');
  writeFileSync(program, ['#!/bin/sh', `echo "$*" >> '${log}'`, ...lines, ''].join('\n'));
  chmodSync(program, 0o755);
  return { program, calls: () => readFileSync(log, 'utf8') };
}

it('asks scontrol, by the name of the array’s task', async () => {
  const { program, calls } = scontrol();
  expect(await requeueJob('4700_11', program)).toBe('job 4700_11 is requeued');
  expect(calls()).toBe('requeue 4700_11\n');
});

it('says what Slurm said against it', async () => {
  const { program } = scontrol('echo "Requested operation is presently disabled for job 4711" >&2', 'exit 1');
  const told = await requeueJob('4711', program);
  expect(told).toMatch(/is not requeued: Requested operation is presently disabled.*scontrol requeue 4711/);
});

it('goes on without scontrol', async () => {
  const missing = path.join(temporaryFolder(), 'none');
  expect(await requeueJob('4711', missing)).toMatch(
    /job 4711 is not requeued: .*ENOENT.*put it back with: scontrol requeue 4711/,
  );
});
