/**
 * `lockstep setup tensorflow` where something is missing: the real command, in a process whose PATH holds only
 * stand-ins for npm, Python with pip, and the compiler. CI shows that it works where nothing is missing.
 */

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { temporaryFolder } from '../support/temporaryFolder.js';
import { until } from '../support/waiting.js';

const COMMAND = ['setup', 'tensorflow'];
const LOCKSTEP = fileURLToPath(new URL('../../bin/lockstep', import.meta.url));
/** Installs a package whose own installer fails, as it does without its download host. */
const NPM = `
mkdir -p node_modules/@tensorflow/tfjs-node/scripts
echo "throw new Error('no such host')" > node_modules/@tensorflow/tfjs-node/scripts/install.js`;
const WORKS = 'exit 0';
/** Python that has pip, whose \`download\` does what is given. */
const pythonWith = (download: string): string => `
log() { echo "$*" >> "$LOG"; }
case "$*" in
  *'pip download'*) log "$@"; ${download} ;;
  *unpackWheel.py*) exec /usr/bin/env PATH="$REAL_PATH" python3 "$@" ;;
esac`;
const toFolder = 'while [ "$1" != --dest ]; do shift; done; folder=$2';

interface Outcome {
  readonly exitCode: number | null;
  readonly stderr: string;
  readonly stdout: string;
  /** What pip was asked for, a line each. */
  readonly asked: readonly string[];
  /** What lies where the set-up was to be, and beside it. */
  readonly left: readonly string[];
}

/** @returns a folder with the programs given, and a few that their scripts need */
function standIns(programs: Readonly<Record<string, string>>): string {
  const bin = temporaryFolder();
  for (const [name, source] of Object.entries({ npm: NPM, ...programs })) {
    writeFileSync(path.join(bin, name), `#!/bin/sh\n${source}\n`);
    chmodSync(path.join(bin, name), 0o755);
  }
  for (const tool of ['mkdir', 'printf', 'head', 'cat']) {
    const found = ['/bin', '/usr/bin']
      .map((folder) => path.join(folder, tool))
      .find((file) => existsSync(file));
    symlinkSync(found!, path.join(bin, tool));
  }
  return bin;
}

function environmentOf(bin: string, target: string): NodeJS.ProcessEnv {
  return {
    PATH: bin,
    REAL_PATH: process.env['PATH'],
    LOG: path.join(bin, 'log'),
    LOCKSTEP_TENSORFLOW_DIR: target,
  };
}

function setUp(
  programs: Readonly<Record<string, string>>,
  args: readonly string[] = [],
  target = path.join(temporaryFolder(), 'tensorflow'),
): Outcome {
  const bin = standIns(programs);
  const { status, stdout, stderr } = spawnSync(process.execPath, [LOCKSTEP, ...COMMAND, ...args], {
    encoding: 'utf8',
    env: environmentOf(bin, target),
  });
  const log = path.join(bin, 'log');
  const asked = existsSync(log) ? readFileSync(log, 'utf8').trim().split('\n') : [];
  const parent = path.dirname(target);
  return { exitCode: status, stdout, stderr, asked, left: existsSync(parent) ? readdirSync(parent) : [] };
}

const tools = { make: WORKS, 'c++': WORKS };

describe.skipIf(process.platform !== 'linux')('lockstep setup tensorflow', () => {
  it.each([
    ['without Python', { ...tools }, /no Python 3 was found.*apt-get install python3 python3-pip.*E_SETUP/],
    [
      'without pip',
      { ...tools, python3: 'case "$*" in *pip*) exit 1;; esac' },
      /python3 has no pip.*apt-get install python3-pip.*E_SETUP/,
    ],
    [
      'without a compiler',
      { python3: pythonWith('exit 1') },
      /make and a C\+\+ compiler not found.*apt-get install build-essential.*E_SETUP/,
    ],
    [
      'without a network',
      { ...tools, python3: pythonWith('echo "NewConnectionError: Name or service not known" >&2; exit 1') },
      /tensorflow.*could not be downloaded: no package index could be reached.*PIP_FIND_LINKS.*E_SETUP/,
    ],
    [
      'on a disk that fills up',
      { ...tools, python3: pythonWith('echo "OSError: [Errno 28] No space left on device" >&2; exit 1') },
      /disk was full.*--dir.*E_IO/,
    ],
    [
      'with a wheel that is not whole',
      { ...tools, python3: pythonWith(`${toFolder}; printf 'PK half a file' > "$folder/tensorflow.whl"`) },
      /tensorflow\.whl cannot be unpacked.*pip cache purge.*E_SETUP/,
    ],
  ])('says what to do %s, and leaves nothing behind', (_, programs, message) => {
    const outcome = setUp(programs);
    expect(outcome.stderr).toMatch(message);
    expect(outcome.stderr).not.toMatch(/\n {4}at /); // a stack trace
    expect(outcome.exitCode).toBe(1);
    expect(outcome.stdout).toMatch(/own installer/);
    expect(outcome.left).toEqual([]);
  });

  it('asks for the wheel of another Python where this one has none, and says the size before', () => {
    const download = 'echo "ERROR: No matching distribution found for tensorflow" >&2; exit 1';
    const outcome = setUp({ ...tools, python3: pythonWith(download) });
    expect(outcome.asked).toHaveLength(2);
    expect(outcome.asked[0]).toMatch(/download --no-deps --only-binary=:all:.* tensorflow(-cpu)?==[\d.]+$/);
    expect(outcome.asked[1]).toMatch(/--python-version 3\.12/);
    expect(outcome.stdout).toMatch(/about \d+ MB to download, \d+ MB on disk/);
    expect(outcome.stderr).toMatch(/No matching distribution.*E_SETUP/);
  });

  it('removes the folders around it that it made, when it fails', () => {
    const folder = temporaryFolder();
    for (const newest of ['newer', 'n'.repeat(300)]) {
      expect(setUp({}, [], path.join(folder, 'new', 'and', newest, 'tensorflow')).exitCode).toBe(1);
      expect(readdirSync(folder)).toEqual([]);
    }
  });

  it('keeps what was there when a new set-up fails', () => {
    const target = path.join(temporaryFolder(), 'tensorflow');
    mkdirSync(target);
    mkdirSync(path.join(target, 'node_modules', '@tensorflow'), { recursive: true });
    const record = { tensorflowVersion: '1.0.0', cuda: false, from: 'wheel', node: 'v20.20.2' };
    writeFileSync(path.join(target, 'setup.json'), JSON.stringify(record));
    const outcome = setUp({}, ['--force'], target);
    expect(outcome.exitCode).toBe(1);
    expect(outcome.left).toEqual(['tensorflow']);
    expect(readFileSync(path.join(target, 'setup.json'), 'utf8')).toContain('1.0.0');
  });

  it('does not replace a folder of something else', () => {
    const target = path.join(temporaryFolder(), 'thesis');
    mkdirSync(target);
    writeFileSync(path.join(target, 'chapter1.txt'), 'years of work');
    writeFileSync(path.join(target, 'setup.json'), '{}'); // other programs have one, too
    const outcome = setUp({}, ['--force'], target);
    expect(outcome.stderr).toMatch(/thesis holds something else.*E_OPTION/);
    expect(outcome.exitCode).toBe(2);
    expect(existsSync(path.join(target, 'chapter1.txt'))).toBe(true);
  });

  it('removes what a set-up left that was killed, and nothing else', () => {
    const folder = temporaryFolder();
    for (const name of ['tensorflow.partial-backup', 'tensorflow.partial-999999999']) {
      mkdirSync(path.join(folder, name));
    }
    expect(setUp({}, [], path.join(folder, 'tensorflow')).left).toEqual(['tensorflow.partial-backup']);
  });

  it('comes to an end where no folder can be made', () => {
    const download = 'echo "must not be asked" >&2; exit 1';
    const outcome = setUp({ ...tools, python3: pythonWith(download) }, [], '/proc/lockstep/tensorflow/here');
    expect(outcome.stderr).toMatch(/\/proc\/lockstep.*E_IO/);
    expect(outcome.exitCode).toBe(1);
  });

  it.each([
    [['--gpus'], /unknown option '--gpus'/],
    [['--source', 'conda'], /--source conda must be .*package.*wheel.*E_OPTION/],
  ])('refuses %j', (args, message) => {
    const outcome = setUp({}, args);
    expect(outcome.exitCode).toBe(2);
    expect(outcome.stderr).toMatch(message);
  });

  it('sets up in the folder that --dir names', () => {
    const target = path.join(temporaryFolder(), 'thesis');
    mkdirSync(target);
    writeFileSync(path.join(target, 'chapter1.txt'), 'years of work');
    expect(setUp({}, ['--dir', target]).stderr).toMatch(/thesis holds something else.*--dir.*E_OPTION/);
  });

  it('ends what it has started when it is stopped, and leaves nothing behind', async () => {
    const target = path.join(temporaryFolder(), 'tensorflow');
    const sleeper = path.join(temporaryFolder(), 'sleeper');
    const bin = standIns({ ...tools, python3: pythonWith(`sleep 600 & echo $! > "${sleeper}"; wait`) });
    symlinkSync(existsSync('/bin/sleep') ? '/bin/sleep' : '/usr/bin/sleep', path.join(bin, 'sleep'));
    const child = spawn(process.execPath, [LOCKSTEP, ...COMMAND], { env: environmentOf(bin, target) });
    onTestFinished(() => void child.kill('SIGKILL'));
    await until(() => existsSync(sleeper) && readFileSync(sleeper, 'utf8') !== '');
    child.kill('SIGTERM');
    expect(await once(child, 'exit')).toEqual([143, null]);
    expect(readdirSync(path.dirname(target))).toEqual([]);
    const pid = Number(readFileSync(sleeper, 'utf8'));
    await until(() => !isRunning(pid));
  });
});

/** A process that has ended and that nobody has waited for yet does not run. */
function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}
