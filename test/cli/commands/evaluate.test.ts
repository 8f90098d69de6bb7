import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { main } from '../../../src/cli/main.js';
import { train } from '../../../src/coordinator/index.js';
import { analyticNode } from '../../support/analyticNode.js';
import { temporaryFolder } from '../../support/temporaryFolder.js';
import { testRun } from '../../support/trainingRun.js';

let complaints = '';
beforeEach(() => {
  complaints = '';
  vi.stubEnv('LOCKSTEP_DATA_DIR', undefined);
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    complaints += String(text);
    return true;
  });
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  process.exitCode = undefined;
});

/** An ended run on CIFAR-10, which remembers this folder for its data. */
async function runWith(dataDir: unknown): Promise<string> {
  const { run, fleet } = await testRun({ recipe: { dataset: 'cifar10' } });
  analyticNode(fleet);
  await train(run);
  run.storage.folder.close();
  writeFileSync(run.storage.folder.configFile, JSON.stringify({ dataDir }));
  return run.storage.folder.folder;
}

/** Each folder is empty: the refusal names the one that was looked into. */
describe('the data of an evaluated run', () => {
  it('are looked for where the flag says, else the environment, else the run itself', async () => {
    const [flag, environment, saved] = [temporaryFolder(), temporaryFolder(), temporaryFolder()];
    const run = await runWith(saved);
    const file = path.join(run, 'checkpoints', 'last.safetensors');
    for (const checkpoint of [run, file]) {
      complaints = '';
      await main(['evaluate', checkpoint]);
      expect(complaints).toContain(`no CIFAR-10 in ${saved}`);
    }
    vi.stubEnv('LOCKSTEP_DATA_DIR', environment);
    await main(['evaluate', run]);
    expect(complaints).toContain(`no CIFAR-10 in ${environment}`);
    expect(complaints).toMatch(/with --data-dir \(LOCKSTEP_DATA_DIR names this one\) \[E_DATA_MISSING\]/);
    await main(['evaluate', run, '--data-dir', flag]);
    expect(complaints).toContain(`no CIFAR-10 in ${flag}`);
  });

  it('can be named, and the refusal says how', async () => {
    await main(['evaluate', await runWith(temporaryFolder())]);
    expect(complaints).toMatch(
      /data download.*; or name the folder that holds it with --data-dir \[E_DATA_MISSING\]/,
    );
  });

  it('are not looked for in what is no folder', async () => {
    const run = await runWith(5);
    await main(['evaluate', run]);
    expect(complaints).toMatch(/"dataDir" in .*config\.json: 5 must be a non-empty text.*\[E_OPTION\]/);
  });
});
