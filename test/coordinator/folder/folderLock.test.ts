import { spawn } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs';
import { hostname } from 'node:os';
import path from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import {
  hasLock,
  lockFolder,
  refuseIfLocked,
  unlockFolder,
} from '../../../src/coordinator/folder/folderLock.js';
import { ownerName, parseOwner } from '../../../src/coordinator/folder/lockOwner.js';
import type { Owner } from '../../../src/coordinator/folder/lockOwner.js';
import { thisProcessSpace } from '../../../src/coordinator/folder/processSpace.js';
import { thrownBy } from '../../support/errors.js';
import { temporaryFolder } from '../../support/temporaryFolder.js';

/** What "another process" does at the worst moment. */
const moment = vi.hoisted(() => ({ beforeRename: undefined as (() => void) | undefined }));

vi.mock('node:fs', async (importOriginal) => {
  const real = await importOriginal<typeof fs>();
  return {
    ...real,
    renameSync: (from: string, to: string) => {
      const action = moment.beforeRename;
      moment.beforeRename = undefined;
      action?.();
      real.renameSync(from, to);
    },
  };
});

const HERE = { startTime: undefined, ...thisProcessSpace(), leaseMs: undefined };
const LIVING: Owner = { ...HERE, pid: process.ppid }; // as long as this test does
const NOBODY: Owner = { ...HERE, pid: 2 ** 22 + 1 }; // above the highest, proc(5)

const lockOf = (folder: string): string => path.join(folder, 'run.lock');
/** All who hold the lock: one, or none. */
const ownersOf = (folder: string): (Owner | undefined)[] => fs.readdirSync(lockOf(folder)).map(parseOwner);

/** As another process takes the lock in a free place. */
function takeAs(folder: string, owner: Owner): void {
  fs.mkdirSync(lockOf(folder));
  fs.writeFileSync(path.join(lockOf(folder), ownerName(owner)), '');
}

/** As another process takes the lock over. */
function takeOverAs(folder: string, owner: Owner): void {
  const [name] = fs.readdirSync(lockOf(folder));
  fs.renameSync(path.join(lockOf(folder), name!), path.join(lockOf(folder), ownerName(owner)));
}

function lockedBy(owner: Owner): string {
  const folder = temporaryFolder();
  takeAs(folder, owner);
  return folder;
}

function lock(folder: string): void {
  lockFolder(folder);
  onTestFinished(() => unlockFolder(folder));
}

describe('the lock of a folder', () => {
  it('says which process of which host holds it, and leaves nothing beside it', () => {
    const folder = temporaryFolder();
    lock(folder);
    expect(ownersOf(folder)).toEqual([expect.objectContaining({ pid: process.pid, host: hostname() })]);
    expect(fs.readdirSync(folder)).toEqual(['run.lock']);
    unlockFolder(folder);
    expect(fs.readdirSync(folder)).toEqual([]);
  });

  it('is whole from the moment that it is there', () => {
    const folder = temporaryFolder();
    moment.beforeRename = () => {
      expect(fs.existsSync(lockOf(folder))).toBe(false);
      const [prepared] = fs.readdirSync(folder);
      const [name] = fs.readdirSync(path.join(folder, prepared!));
      expect(parseOwner(name!)).toMatchObject({ pid: process.pid });
    };
    lock(folder);
    expect(moment.beforeRename).toBeUndefined();
  });

  it('is refused to a second run in the same process', () => {
    const folder = temporaryFolder();
    lock(folder);
    thrownBy('E_RUN_EXISTS', () => lockFolder(folder));
    thrownBy('E_RUN_EXISTS', () => refuseIfLocked(folder));
    unlockFolder(folder);
    lock(folder);
  });

  it('is left to whoever comes next if it cannot be removed', () => {
    const folder = temporaryFolder();
    lock(folder);
    const [name] = fs.readdirSync(lockOf(folder));
    const owner = path.join(lockOf(folder), name!);
    fs.rmSync(owner);
    fs.mkdirSync(path.join(owner, 'in the way'), { recursive: true }); // rm refuses a folder
    unlockFolder(folder);
    lock(folder);
    expect(ownersOf(folder)).toEqual([expect.objectContaining({ pid: process.pid })]);
  });

  it('is not given back by one who does not hold it', () => {
    const folder = lockedBy(LIVING);
    unlockFolder(folder);
    expect(ownersOf(folder)).toEqual([LIVING]);
  });

  it('is refused while its process lives', () => {
    const folder = lockedBy(LIVING);
    fs.writeFileSync(path.join(lockOf(folder), '.DS_Store'), ''); // nobody's
    expect(thrownBy('E_RUN_EXISTS', () => lockFolder(folder)).message).toContain(String(LIVING.pid));
    thrownBy('E_RUN_EXISTS', () => refuseIfLocked(folder));
    expect(hasLock(folder)).toBe(true);
    expect(ownersOf(folder)).toContainEqual(LIVING);
    expect(fs.readdirSync(folder)).toEqual(['run.lock']);
  });

  it('is taken over from a process that is gone', () => {
    const folder = lockedBy(NOBODY);
    refuseIfLocked(folder);
    lock(folder);
    expect(ownersOf(folder)).toEqual([expect.objectContaining({ pid: process.pid })]);
    expect(fs.readdirSync(folder)).toEqual(['run.lock']);
  });

  it.skipIf(!fs.existsSync('/proc/self/stat'))(
    'is taken over from a process whose number another has now',
    () => {
      lock(lockedBy({ ...LIVING, startTime: '1' }));
    },
  );

  it('is free if a kill has left it empty', () => {
    const folder = temporaryFolder();
    fs.mkdirSync(lockOf(folder));
    refuseIfLocked(folder);
    lock(folder);
    expect(ownersOf(folder)).toEqual([expect.objectContaining({ pid: process.pid })]);
  });

  it('is refused if another host has it, whose processes cannot be seen from here', () => {
    const owner = { ...NOBODY, host: 'some other/host' };
    const folder = lockedBy(owner);
    const { message } = thrownBy('E_RUN_EXISTS', () => lockFolder(folder));
    for (const part of ['some other/host', hostname(), lockOf(folder)]) expect(message).toContain(part);
    thrownBy('E_RUN_EXISTS', () => refuseIfLocked(folder));
    expect(ownersOf(folder)).toEqual([owner]);
  });
});

describe('a lock of an older version, which is a file', () => {
  it.each([
    ['of this host', { pid: LIVING.pid, host: hostname() }],
    ['that names no host', { pid: LIVING.pid }],
  ])('is refused while its process lives, one %s', (_, owner) => {
    const folder = temporaryFolder();
    fs.writeFileSync(lockOf(folder), JSON.stringify(owner));
    thrownBy('E_RUN_EXISTS', () => lockFolder(folder));
    expect(JSON.parse(fs.readFileSync(lockOf(folder), 'utf8'))).toEqual(owner);
  });

  it.each(['', '{"pid":', 'nonsense', JSON.stringify({ pid: NOBODY.pid, host: hostname() })])(
    'is taken over if nobody holds it: %j',
    (content) => {
      const folder = temporaryFolder();
      fs.writeFileSync(lockOf(folder), content);
      lock(folder);
      expect(ownersOf(folder)).toEqual([expect.objectContaining({ pid: process.pid })]);
    },
  );
});

describe('several who want the lock at the same moment', () => {
  it('do not both get it where none was', () => {
    const folder = temporaryFolder();
    moment.beforeRename = () => takeAs(folder, LIVING);
    thrownBy('E_RUN_EXISTS', () => lockFolder(folder));
    expect(ownersOf(folder)).toEqual([LIVING]);
    expect(fs.readdirSync(folder)).toEqual(['run.lock']);
  });

  it('do not both take it over: at no moment is it free for a third', () => {
    const folder = lockedBy(NOBODY);
    moment.beforeRename = () => {
      takeOverAs(folder, LIVING);
      moment.beforeRename = () => expect(ownersOf(folder)).toEqual([LIVING]);
    };
    thrownBy('E_RUN_EXISTS', () => lockFolder(folder));
    moment.beforeRename = undefined;
    expect(ownersOf(folder)).toEqual([LIVING]);
    expect(fs.readdirSync(folder)).toEqual(['run.lock']);
  });

  it('get it one after the other if the faster one has gone again', () => {
    const folder = lockedBy(NOBODY);
    moment.beforeRename = () => fs.rmSync(lockOf(folder), { recursive: true });
    lock(folder);
    expect(ownersOf(folder)).toEqual([expect.objectContaining({ pid: process.pid })]);
  });

  it('give up if it is taken and left again and again', () => {
    const folder = lockedBy(NOBODY);
    const takenAndLeft = (): void => {
      takeOverAs(folder, NOBODY);
      moment.beforeRename = takenAndLeft;
    };
    moment.beforeRename = takenAndLeft;
    expect(thrownBy('E_RUN_EXISTS', () => lockFolder(folder)).message).toMatch(/keep taking/);
    moment.beforeRename = undefined;
  });

  /** Compiled, so that other processes can run it. */
  const compiled = new URL('../../../dist/coordinator/folder/folderLock.js', import.meta.url);
  const PROCESSES = 5;
  const FOLDERS = 60;

  it('as processes, over many locks that were left: each has one winner', async () => {
    const parent = temporaryFolder();
    for (let round = 0; round < FOLDERS; round++) {
      fs.mkdirSync(path.join(parent, String(round)));
      // Every other one as an older version left it.
      if (round % 2 === 0) takeAs(path.join(parent, String(round)), NOBODY);
      else fs.writeFileSync(lockOf(path.join(parent, String(round))), JSON.stringify({ pid: NOBODY.pid }));
    }
    const children = Array.from({ length: PROCESSES }, () => {
      const child = spawn(
        process.execPath,
        ['--input-type=module', '-e', CONTENDER, compiled.href, parent, String(FOLDERS), String(PROCESSES)],
        { stdio: ['pipe', 'pipe', 'inherit'] },
      );
      onTestFinished(() => void child.kill('SIGKILL'));
      return child;
    });
    const won = await Promise.all(
      children.map(async ({ stdout }) => {
        const [answer] = (await once(stdout, 'data')) as [Buffer];
        return JSON.parse(answer.toString()) as number[];
      }),
    );
    expect(won.flat().sort((a, b) => a - b)).toEqual(Array.from({ length: FOLDERS }, (_, round) => round));
  });
});

/** Wants each folder's lock at the moment at which all others want it; prints which it got, and keeps them. */
const CONTENDER = `
  import { readdirSync, mkdirSync, writeFileSync } from 'node:fs';
  const [compiled, parent, folders, processes] = process.argv.slice(1);
  const { lockFolder } = await import(compiled);
  const won = [];
  for (let round = 0; round < Number(folders); round++) {
    const gate = parent + '/gate-' + round;
    mkdirSync(gate, { recursive: true });
    writeFileSync(gate + '/' + process.pid, '');
    while (readdirSync(gate).length < Number(processes)) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
    try {
      lockFolder(parent + '/' + round);
      won.push(round);
    } catch (error) {
      if (error.code !== 'E_RUN_EXISTS') throw error;
    }
  }
  process.stdout.write(JSON.stringify(won));
  process.stdin.resume().on('end', () => process.exit()); // holds what it has while the test lives
`;
