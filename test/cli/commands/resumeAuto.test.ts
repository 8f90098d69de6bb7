/** `--resume auto` with a run folder that a config file names. */

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { runDirOf } from '../../../src/cli/commands/launchOptions.js';
import { ALONE } from '../../../src/cli/cluster/jobPlace.js';
import { buildProgram, main } from '../../../src/cli/main.js';
import { temporaryFolder } from '../../support/temporaryFolder.js';

let folder: string;
let config: string;
let said: string;

beforeEach(() => {
  folder = temporaryFolder();
  config = path.join(folder, 'recipe.json');
  const recipe = { dataset: 'synthetic', model: 'resnet8', trainLimit: 64, valSize: 32, batchSize: 32 };
  const settings = { workers: 1, engine: 'simd', runDir: path.join(folder, 'of the file') };
  writeFileSync(config, JSON.stringify({ ...recipe, ...settings, epochs: 2, patience: 0 }));
  vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => ((said += String(text)), true));
});
afterEach(() => {
  vi.restoreAllMocks();
  process.exitCode = undefined;
});

async function train(...more: readonly string[]): Promise<unknown> {
  said = '';
  await main(['train', '--config', config, '--resume', 'auto', ...more]);
  return process.exitCode ?? 0;
}

const stepsIn = (run: string): unknown =>
  (JSON.parse(readFileSync(path.join(folder, run, 'result.json'), 'utf8')) as { stepsCompleted: unknown })
    .stepsCompleted;

it.each([
  ['of the file', []],
  ['of the flag', ['of the flag']],
])('begins the run in the folder %s, and goes on there', async (run, [flag]) => {
  const place = flag === undefined ? [] : ['--run-dir', path.join(folder, flag)];
  expect(await train(...place, '--max-steps', '1'), said).toBe(0);
  expect(stepsIn(run)).toBe(1);
  expect(await train(...place, '--max-steps', '3'), said).toBe(0);
  expect(stepsIn(run)).toBe(3);
  expect(existsSync(path.join(folder, 'of the file'))).toBe(run === 'of the file');
});

it('is looked for by launch in the folder that the file names', () => {
  const program = buildProgram();
  const launch = program.commands.find((command) => command.name() === 'launch')!;
  launch.action(() => undefined);
  program.parse(['launch', '--config', config, '--resume', 'auto'], { from: 'user' });
  expect(runDirOf(launch, { ...ALONE, jobId: '7' })).toBe(path.join(folder, 'of the file'));
});
