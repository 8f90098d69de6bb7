/** Where the token is seen, and where it is not: on real processes, in real files and lists of processes. */

import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import {
  freePort,
  killAll,
  readResult,
  REPOSITORY,
  run,
  start,
  startProgram,
  temporaryFolder,
  until,
  untilListening,
} from './support/lockstep.js';
import type { Running } from './support/lockstep.js';

const TINY = [
  ...['--dataset', 'synthetic', '--model', 'resnet8', '--train-limit', '96', '--val-size', '0'],
  ...['--batch-size', '32', '--micro-batch', '16', '--epochs', '1', '--schedule', 'constant'],
];
const folder = temporaryFolder();
const runDir = (name: string): string => path.join(folder, name);
const inClear = async (name: string): Promise<{ port: number; args: string[] }> => {
  const port = await freePort();
  const listen = ['--listen', `0.0.0.0:${port}`, '--insecure'];
  return { port, args: ['coordinator', ...TINY, ...listen, '--run-dir', runDir(name)] };
};

afterEach(killAll);

/** Every byte of every file below a folder. */
function everythingIn(directory: string): string {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(path.join(entry.parentPath, entry.name), 'latin1'))
    .join('\n');
}

const commandLineOf = ({ child }: Running): string => readFileSync(`/proc/${child.pid}/cmdline`, 'latin1');
const onLinux = process.platform === 'linux';
const hasScript = spawnSync('script', ['--version']).status === 0;

describe('a coordinator beyond loopback that was given no token', () => {
  it('makes one; without a terminal it is in a private file, which is gone at the end', async () => {
    const { port, args } = await inClear('filed');
    const coordinator = start(args);
    await until('the file is named', () => coordinator.output().includes('--token-file'));
    const file = /--token-file (\S+)/.exec(coordinator.output())![1]!;
    const token = readFileSync(file, 'utf8').trim();
    expect(token).toMatch(/^[0-9a-f]{48}$/);
    if (process.platform !== 'win32') {
      expect(statSync(file).mode & 0o777).toBe(0o600);
      expect(statSync(path.dirname(file)).mode & 0o777).toBe(0o700);
    }
    if (onLinux) expect(commandLineOf(coordinator)).not.toContain(token);

    const withoutToken = await run(['worker', `ws://127.0.0.1:${port}`, '--threads', '1']);
    expect(withoutToken).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('E_REFUSED') });
    const worker = await run(['worker', `ws://127.0.0.1:${port}`, '--threads', '1', '--token-file', file]);
    expect(worker.exitCode).toBe(0);
    const { exitCode, stdout, stderr } = await coordinator.finished;
    expect(exitCode).toBe(0);
    for (const seen of [stdout, stderr, worker.stdout, worker.stderr, everythingIn(runDir('filed'))])
      expect(seen).not.toContain(token);
    expect(existsSync(path.dirname(file))).toBe(false);
    expect(readResult(runDir('filed')).stoppedBy).toBe('epochs');
  });

  it('makes one, too, where it listens on loopback and is to be reached by another name', async () => {
    const port = await freePort();
    const listen = ['--listen', `127.0.0.1:${port}`, '--advertise', 'trainer.example:9000'];
    const coordinator = start(['coordinator', ...TINY, ...listen, '--run-dir', runDir('advertised')]);
    await until('the file is named', () => coordinator.output().includes('--token-file'));
    const withoutToken = await run(['worker', `ws://127.0.0.1:${port}`, '--threads', '1']);
    expect(withoutToken).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('E_REFUSED') });
    coordinator.kill('SIGINT');
    expect((await coordinator.finished).exitCode).toBe(130);
  });

  it('says so where it is resumed on loopback, which it opens without one', async () => {
    const { args } = await inClear('closed');
    const coordinator = start(args);
    await until('the file is named', () => coordinator.output().includes('--token-file'));
    await untilListening(coordinator);
    coordinator.kill('SIGTERM');
    expect((await coordinator.finished).exitCode).toBe(143);
    const onLoopback = ['--listen', '127.0.0.1:0', '--workers', '1'];
    const { exitCode, stdout } = await run(['coordinator', '--resume', runDir('closed'), ...onLoopback]);
    expect(exitCode).toBe(0);
    expect(stdout.replace(/\n!! /g, ' ')).toMatch(/had a token that was made for it; it has none now/);
  });

  it('makes another one every time, and says so beside --json without touching standard output', async () => {
    const tokens = await Promise.all(
      ['json-1', 'json-2'].map(async (name) => {
        const { args } = await inClear(name);
        const coordinator = start([...args, '--json']);
        await until('the file is named', () => coordinator.output().includes('--token-file'));
        const file = /--token-file (\S+)/.exec(coordinator.output())![1]!;
        const token = readFileSync(file, 'utf8').trim();
        coordinator.kill('SIGTERM');
        const { stdout } = await coordinator.finished;
        for (const line of stdout.trim().split('\n')) JSON.parse(line);
        expect(stdout).not.toContain(token);
        expect(existsSync(file)).toBe(false);
        return token;
      }),
    );
    expect(tokens[0]).not.toBe(tokens[1]);
  });

  it.runIf(onLinux && hasScript)(
    'shows it on a terminal, in a command to paste, and nowhere else',
    async () => {
      const { port, args } = await inClear('shown');
      const command = [process.execPath, path.join(REPOSITORY, 'bin', 'lockstep'), ...args].join(' ');
      const coordinator = startProgram('script', ['-qec', command, '/dev/null']); // a terminal of its own
      const toPaste = /LOCKSTEP_TOKEN=([0-9a-f]+) \S+ worker (ws:\S+)\s/; // whole: a terminal may hand on a part first
      await until('the command is shown', () => toPaste.test(coordinator.output()));
      const [, token, url] = toPaste.exec(coordinator.output())!;
      expect(new URL(url!).port).toBe(String(port));
      const worker = await run(['worker', `ws://127.0.0.1:${port}`, '--threads', '1'], {
        LOCKSTEP_TOKEN: token!,
      });
      expect(worker.exitCode).toBe(0);
      expect((await coordinator.finished).exitCode).toBe(0);
      expect(everythingIn(runDir('shown'))).not.toContain(token);
    },
  );
});

describe('the secret for workers alone', () => {
  it.runIf(onLinux && hasScript)(
    'is shown on a terminal, in a link for browsers, attaches workers, and is nowhere else',
    async () => {
      const { port, args } = await inClear('link');
      const command = [process.execPath, path.join(REPOSITORY, 'bin', 'lockstep'), ...args, '--qr'].join(' ');
      const coordinator = startProgram('script', ['-qec', command, '/dev/null'], {
        LOCKSTEP_TOKEN: 'master',
      });
      const link = /join from a browser: (http:\S+)#token=([\w-]+)\s+\S*█{20}/; // the code follows
      await until('the link is shown', () => link.test(coordinator.output()));
      const [, page, secret] = link.exec(coordinator.output())!;
      expect(new URL(page!)).toMatchObject({ port: String(port), pathname: '/join', search: '' });
      const local = `http://127.0.0.1:${port}`;
      expect(await (await fetch(`${local}/join`)).text()).toContain('<!doctype html>');
      const bearer = { headers: { authorization: `Bearer ${secret}` } };
      expect((await fetch(`${local}/api/runs`, bearer)).status).toBe(401);
      const env = { LOCKSTEP_TOKEN: secret! };
      const worker = await run(['worker', `ws://127.0.0.1:${port}`, '--threads', '1'], env);
      expect(worker.exitCode).toBe(0);
      expect((await coordinator.finished).exitCode).toBe(0);
      expect(coordinator.output()).not.toContain('master');
      expect(everythingIn(runDir('link'))).not.toContain(secret);
      expect(everythingIn(runDir('link'))).not.toContain('master');
    },
  );

  it('without a terminal is in no output and no file; its own option is hidden from the list of processes', async () => {
    const SECRET = 'on-the-command-line';
    const { port, args } = await inClear('hidden');
    const given = [...args, '--qr', '--join-token', SECRET];
    const coordinator = start(given, { LOCKSTEP_TOKEN: 'master' });
    await until('the page is named', () => coordinator.output().includes('join from a browser'));
    expect(coordinator.output()).toMatch(/join from a browser: http:\S+\/join#token=… /);
    if (onLinux) expect(commandLineOf(coordinator)).not.toContain(SECRET);
    const env = { LOCKSTEP_TOKEN: SECRET };
    const worker = await run(['worker', `ws://127.0.0.1:${port}`, '--threads', '1'], env);
    expect(worker.exitCode).toBe(0);
    const { stdout, stderr } = await coordinator.finished;
    for (const seen of [stdout, stderr, everythingIn(runDir('hidden'))]) expect(seen).not.toContain(SECRET);
  });

  it('must not be the token, and a page that is off admits no tab', async () => {
    const { port, args } = await inClear('refused');
    const same = { LOCKSTEP_TOKEN: 'master', LOCKSTEP_JOIN_TOKEN: 'master' };
    const refused = await run(args, same);
    expect(refused.exitCode).not.toBe(0);
    expect(refused.stderr).toMatch(
      /LOCKSTEP_JOIN_TOKEN.* and LOCKSTEP_TOKEN.* are the same secret.*E_OPTION/,
    );
    const coordinator = start([...args, '--no-join'], { LOCKSTEP_TOKEN: 'master' });
    await untilListening(coordinator);
    expect((await fetch(`http://127.0.0.1:${port}/join`)).status).toBe(426);
    coordinator.kill('SIGTERM');
    const { stdout } = await coordinator.finished;
    expect(stdout).not.toContain('join from a browser');
    expect(stdout).toMatch(/continue with: .*--no-join/);
  });
});

describe('a token that was given', () => {
  it('in the environment is in no output, no file and no list of processes', async () => {
    const TOKEN = 'given-by-environment';
    const { port, args } = await inClear('given');
    const coordinator = start(args, { LOCKSTEP_TOKEN: TOKEN });
    await untilListening(coordinator);
    expect(coordinator.output()).toContain('LOCKSTEP_TOKEN=… ');
    const worker = start(['worker', `ws://127.0.0.1:${port}`, '--threads', '1'], { LOCKSTEP_TOKEN: TOKEN });
    if (onLinux) expect(commandLineOf(coordinator) + commandLineOf(worker)).not.toContain(TOKEN);
    const ends = await Promise.all([coordinator.finished, worker.finished]);
    for (const { exitCode, stdout, stderr } of ends) {
      expect(exitCode).toBe(0);
      expect(stdout + stderr).not.toContain(TOKEN);
    }
    expect(everythingIn(runDir('given'))).not.toContain(TOKEN);
  });

  it.runIf(onLinux).each([['--token', 'on-the-command-line'], ['--token=on-the-command-line']])(
    'as %s disappears from the list of processes, with advice',
    async (...given) => {
      const TOKEN = 'on-the-command-line';
      const { args } = await inClear(`argument-${given.length}`);
      const coordinator = start([...args, ...given]);
      await untilListening(coordinator);
      expect(commandLineOf(coordinator)).not.toContain(TOKEN);
      expect(commandLineOf(coordinator)).toContain('***');
      coordinator.kill('SIGTERM');
      const { stdout, stderr } = await coordinator.finished;
      expect(stderr).toContain('LOCKSTEP_TOKEN or --token-file');
      expect(stdout + stderr).not.toContain(TOKEN);
    },
  );
});

describe('the token of a coordinator that is resumed', () => {
  it('must be given again if it was given, and whoever stops the run is told so', async () => {
    const port = await freePort();
    const listen = ['--listen', `127.0.0.1:${port}`, '--run-dir', runDir('given-again')];
    const env = { LOCKSTEP_TOKEN: 'given-by-environment' };
    const first = start(['coordinator', ...TINY, ...listen], env);
    await untilListening(first);
    first.kill('SIGTERM');
    const stopped = await first.finished;
    expect(stopped.exitCode).toBe(143);
    expect(stopped.stdout).toMatch(/continue with: .*\n.*give the same token again/);

    const open = await run(['coordinator', '--resume', runDir('given-again')]);
    expect(open.exitCode).not.toBe(0);
    expect(open.stderr).toMatch(/--token-file.*E_OPTION/);
    const resumed = start(['coordinator', '--resume', runDir('given-again')], env);
    await untilListening(resumed);
    const worker = await run(['worker', `ws://127.0.0.1:${port}`, '--threads', '1'], env);
    expect(worker.exitCode).toBe(0);
    expect((await resumed.finished).exitCode).toBe(0);
  });

  it('is another one if it was made, which is said at the stop and at the start', async () => {
    const { args } = await inClear('made-again');
    const first = start(args);
    await until('the file is named', () => first.output().includes('--token-file'));
    first.kill('SIGTERM');
    expect((await first.finished).stdout).toMatch(/continue with: .*\n.*makes another token/);
    const resumed = start(['coordinator', '--resume', runDir('made-again')]);
    await until('it is told', () => resumed.output().includes('previous token: workers that use that one'));
    resumed.kill('SIGTERM');
    expect((await resumed.finished).exitCode).toBe(143);
  });
});
