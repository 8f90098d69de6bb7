/** Runs of the real command line with trackers: stopped, resumed, and without a server. */

import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { fakeMlflow } from '../support/fakeTrackers.js';
import { freePort, killAll, readMetrics, readResult, run, temporaryFolder } from './support/lockstep.js';

const RECIPE = [
  ...['--dataset', 'synthetic', '--model', 'resnet8', '--train-limit', '200', '--val-size', '50'],
  ...['--batch-size', '48', '--micro-batch', '24', '--epochs', '2', '--max-steps', '3'],
];
const SECRET = 'a-secret-of-mlflow';

afterEach(killAll);

/** Every byte of every file below a folder. */
function everythingIn(directory: string): string {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(path.join(entry.parentPath, entry.name), 'latin1'))
    .join('\n');
}

describe('--mlflow', () => {
  it('sends a run and what a resumed one adds, to one run there; the secret is in no file and no output', async () => {
    const fake = await fakeMlflow(`Bearer ${SECRET}`);
    const runDir = path.join(temporaryFolder(), 'run');
    const env = { MLFLOW_TRACKING_TOKEN: SECRET };
    const first = await run(['train', ...RECIPE, '--run-dir', runDir, '--mlflow', fake.url], env);
    expect(first.stderr).toBe('');
    const second = await run(['train', '--resume', runDir, '--max-steps', '6'], env);
    expect(second.stderr).toBe('');
    const [there, ...others] = [...fake.runs.values()];
    expect(others).toEqual([]);
    expect(there).toMatchObject({ name: 'run', status: 'FINISHED' });
    expect(there!.params.get('batchSize')).toBe('48');
    const expected = readMetrics(runDir).filter(({ event }) => event === 'step');
    expect(expected.map(({ step }) => step)).toEqual([1, 2, 3, 4, 5, 6]);
    const losses = there!.metrics.filter(({ key }) => key === 'loss/step');
    expect(losses.map(({ step, value }) => [step, value])).toEqual(
      expected.map(({ step, loss }) => [step, loss]),
    );
    expect(everythingIn(runDir)).toContain('"run": "run0"');
    expect(everythingIn(runDir) + first.stdout + second.stdout).not.toContain(SECRET);
  });

  it('without a server lets the run be, says so, and ends in the same bits', async () => {
    const nobody = `http://127.0.0.1:${await freePort()}`;
    const [tracked, untracked] = ['tracked', 'untracked'].map((name) => path.join(temporaryFolder(), name));
    const { exitCode, stdout } = await run(['train', ...RECIPE, '--run-dir', tracked!, '--mlflow', nobody]);
    expect(exitCode).toBe(0);
    expect(stdout).toContain('MLflow: ');
    await run(['train', ...RECIPE, '--run-dir', untracked!]);
    expect(readResult(tracked!).weightsSha256).toBe(readResult(untracked!).weightsSha256);
  });

  it('takes no secret in its address', async () => {
    const { exitCode, stderr } = await run([
      'train',
      ...RECIPE,
      '--mlflow',
      'http://user:pass@127.0.0.1:5000',
    ]);
    expect(exitCode).toBe(2);
    expect(stderr).toContain('without user, password or query');
  });
});
