import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import {
  coordinatorSettingsOf,
  overruledBy,
  rememberCoordinatorSettings,
} from '../../../src/cli/options/coordinatorSettings.js';
import { COORDINATOR_OPTIONS, DOOR_OPTIONS } from '../../../src/cli/options/optionTable.js';
import { readCoordinatorSettings } from '../../../src/session/index.js';
import { declareTokenOptions } from '../../../src/cli/token/token.js';
import { declareOptions } from '../../../src/cli/options/trainingOptions.js';
import { rejectionOf } from '../../support/errors.js';
import { temporaryFolder } from '../../support/temporaryFolder.js';

function parsed(...args: string[]): Command {
  const command = new Command();
  declareOptions(command, COORDINATOR_OPTIONS);
  declareTokenOptions(command);
  return command.parse(args, { from: 'user' });
}

function runWith(config: unknown): string {
  const folder = temporaryFolder();
  writeFileSync(path.join(folder, 'config.json'), JSON.stringify(config));
  return folder;
}

/** The options of a coordinator that resumes a run which was begun with other flags. */
async function resumedWith(
  before: readonly string[],
  now: readonly string[] = [],
): Promise<Record<string, unknown>> {
  const folder = runWith({ workers: 2, ...coordinatorSettingsOf(parsed(...before)) });
  const command = parsed(...now);
  rememberCoordinatorSettings(command, await readCoordinatorSettings(folder, overruledBy(command)));
  return command.opts();
}

const EVERY_FLAG = [
  ...['--listen', '0.0.0.0:7171', '--tls-cert', 'cert.pem', '--tls-key', 'key.pem'],
  ...[
    '--advertise',
    'trainer.example:443',
    '--max-nodes',
    '7',
    '--min-workers',
    '3',
    '--wait-timeout',
    '60',
    '--heartbeat-timeout',
    '20',
  ],
];

describe('a resumed coordinator', () => {
  it('has every option of its own as before, and finds its files from any folder', async () => {
    const resumed = await resumedWith([...EVERY_FLAG, '--token', 'secret']);
    expect(resumed).toMatchObject({
      listen: '0.0.0.0:7171',
      tlsCert: path.resolve('cert.pem'),
      tlsKey: path.resolve('key.pem'),
      maxNodes: 7,
      minWorkers: 3,
      waitTimeout: 60,
      heartbeatTimeout: 20,
      workers: 2,
    });
    expect((await resumedWith(['--insecure']))['insecure']).toBe(true);
    const others = DOOR_OPTIONS.filter(({ key }) => key !== 'insecure');
    for (const { key } of others) expect(resumed).toHaveProperty(key);
  });

  it('has no secret of the session before', () => {
    const settings = coordinatorSettingsOf(parsed(...EVERY_FLAG, '--token', 'secret'));
    expect(JSON.stringify(settings)).not.toMatch(/secret|token/i);
  });

  it('takes flags before what it remembers, and not what contradicts them', async () => {
    const before = ['--listen', '0.0.0.0:7171', '--insecure'];
    const now = ['--listen', '127.0.0.1:1', '--tls-cert', 'c', '--tls-key', 'k', '--workers', '0'];
    const protectedNow = await resumedWith(before, now);
    expect(protectedNow).toMatchObject({ listen: '127.0.0.1:1', tlsCert: 'c', workers: 0 });
    expect(protectedNow).not.toHaveProperty('insecure');
    const inClear = await resumedWith(EVERY_FLAG, ['--insecure']);
    expect(inClear).toMatchObject({ listen: '0.0.0.0:7171', insecure: true });
    expect(inClear).not.toHaveProperty('tlsCert');
  });

  it.each<[string, unknown]>([
    ['a run of train', { minWorkers: 4, waitTimeout: 30 }],
    ['no object', null],
    ['a text', 'listen'],
  ])('has its defaults where config.json is of %s', async (_what, config) => {
    expect(await readCoordinatorSettings(runWith(config))).toEqual({});
    expect(await readCoordinatorSettings(temporaryFolder())).toEqual({});
  });

  it('does not look at a value in config.json that is given anew, or that a flag replaces', async () => {
    const folder = runWith({ listen: 5, tlsCert: 6, maxNodes: 7 });
    const command = parsed('--listen', '127.0.0.1:1', '--insecure');
    expect(await readCoordinatorSettings(folder, overruledBy(command))).toEqual({ maxNodes: 7 });
  });

  it.skipIf(process.platform === 'win32')('waits for nobody where config.json is a pipe', async () => {
    const folder = temporaryFolder();
    execFileSync('mkfifo', [path.join(folder, 'config.json')]);
    expect(await readCoordinatorSettings(folder)).toEqual({});
  });

  it.each([{ listen: 5 }, { listen: '127.0.0.1:1', maxNodes: '0' }, { listen: 'a:1', insecure: 'no' }])(
    'refuses %j in config.json as it would in a config file',
    async (config) => {
      const folder = runWith(config);
      const { message } = await rejectionOf('E_OPTION', readCoordinatorSettings(folder));
      expect(message).toContain(path.join(folder, 'config.json'));
    },
  );
});
