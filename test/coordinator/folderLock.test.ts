import { spawn } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs';
import { hostname } from 'node:os';
import path from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { lockFolder, refuseIfLocked, unlockFolder } from '../../src/coordinator/folderLock.js';
import { thrownBy } from '../support/errors.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

/** What "another process" does at the worst moment. */
const moment = vi.hoisted(() => ({
  beforeLink: undefined as (() => void) | undefined,
  beforeRename: undefined as (() => void) | undefined,
}));

vi.mock('node:fs', async (importOriginal) => {
  const real = await importOriginal<typeof fs>();
  const once = (name: keyof typeof moment): void => {
    const action = moment[name];
    moment[name] = undefined;
    action?.();
  };
  return {
    ...real,
    linkSync: (from: string, to: string) => {
      once('beforeLink');
      real.linkSync(from, to);
    },
    renameSync: (from: string, to: string) => {
      once('beforeRename');
      real.renameSync(from, to);
    },
  };
});

const LIVING = process.ppid; // runs as long as this test does
const NOBODY = 2 ** 22 + 1; // above the highest number of a process, proc(5)

const lockOf = (folder: string): string => path.join(folder, 'run.lock');
const contentOf = (folder: string): unknown => JSON.parse(fs.readFileSync(lockOf(folder), 'utf8'));

function lockedBy(owner: object): string {
  const folder = temporaryFolder();
  fs.writeFileSync(lockOf(folder), JSON.stringify(owner));
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
    expect(contentOf(folder)).toMatchObject({ pid: process.pid, host: hostname() });
    expect(fs.readdirSync(folder)).toEqual(['run.lock']);
  });

  it('is whole from the moment that it is there', () => {
    const folder = temporaryFolder();
    moment.beforeLink = () => {
      expect(fs.existsSync(lockOf(folder))).toBe(false);
      const [prepared] = fs.readdirSync(folder);
      expect(JSON.parse(fs.readFileSync(path.join(folder, prepared!), 'utf8'))).toMatchObject({
        pid: process.pid,
      });
    };
    lock(folder);
    expect(moment.beforeLink).toBeUndefined();
  });

  it('is refused to a second run in the same process', () => {
    const folder = temporaryFolder();
    lock(folder);
    thrownBy('E_RUN_EXISTS', () => lockFolder(folder));
    thrownBy('E_RUN_EXISTS', () => refuseIfLocked(folder));
    unlockFolder(folder);
    lock(folder);
  });

  it('is not given back by one who does not hold it', () => {
    const folder = lockedBy({ pid: LIVING });
    unlockFolder(folder);
    expect(contentOf(folder)).toEqual({ pid: LIVING });
  });

  it.each([
    ['of this host', { pid: LIVING, host: hostname() }],
    ['of a version that named no host', { pid: LIVING }],
  ])('is refused while its process lives, one %s', (_, owner) => {
    const folder = lockedBy(owner);
    expect(thrownBy('E_RUN_EXISTS', () => lockFolder(folder)).message).toContain(String(LIVING));
    thrownBy('E_RUN_EXISTS', () => refuseIfLocked(folder));
    expect(contentOf(folder)).toEqual(owner);
    expect(fs.readdirSync(folder)).toEqual(['run.lock']);
  });

  it('is taken over from a process that is gone', () => {
    const folder = lockedBy({ pid: NOBODY, host: hostname() });
    refuseIfLocked(folder);
    lock(folder);
    expect(contentOf(folder)).toMatchObject({ pid: process.pid });
    expect(fs.readdirSync(folder)).toEqual(['run.lock']);
  });

  it.skipIf(!fs.existsSync('/proc/self/stat'))(
    'is taken over from a process whose number another has now',
    () => {
      lock(lockedBy({ pid: LIVING, startTime: '1', host: hostname() }));
    },
  );

  it('is refused if another host has it, whose processes cannot be seen from here', () => {
    const folder = lockedBy({ pid: NOBODY, host: 'some-other-host' });
    const { message } = thrownBy('E_RUN_EXISTS', () => lockFolder(folder));
    for (const part of ['some-other-host', hostname(), lockOf(folder)]) expect(message).toContain(part);
    thrownBy('E_RUN_EXISTS', () => refuseIfLocked(folder));
    expect(contentOf(folder)).toEqual({ pid: NOBODY, host: 'some-other-host' });
  });
});

describe('two who want the lock at the same moment', () => {
  it('do not both get it where none was', () => {
    const folder = temporaryFolder();
    const faster = JSON.stringify({ pid: LIVING });
    moment.beforeLink = () => fs.writeFileSync(lockOf(folder), faster);
    thrownBy('E_RUN_EXISTS', () => lockFolder(folder));
    expect(fs.readFileSync(lockOf(folder), 'utf8')).toBe(faster);
    expect(fs.readdirSync(folder)).toEqual(['run.lock']);
  });

  it('do not both take it over: the lock of the faster one is put back', () => {
    const folder = lockedBy({ pid: NOBODY });
    const faster = JSON.stringify({ pid: LIVING });
    moment.beforeRename = () => fs.writeFileSync(lockOf(folder), faster);
    thrownBy('E_RUN_EXISTS', () => lockFolder(folder));
    expect(fs.readFileSync(lockOf(folder), 'utf8')).toBe(faster);
    expect(fs.readdirSync(folder)).toEqual(['run.lock']);
  });

  it('get it one after the other if the faster one has gone again', () => {
    const folder = lockedBy({ pid: NOBODY });
    moment.beforeRename = () => fs.rmSync(lockOf(folder));
    lock(folder);
    expect(contentOf(folder)).toMatchObject({ pid: process.pid });
  });

  /** Compiled, so that other processes can run it: `npm run build`. */
  const compiled = new URL('../../dist/coordinator/folderLock.js', import.meta.url);

  it.skipIf(!fs.existsSync(compiled))(
    'as processes, over a lock that was left: one gets it (skipped unless compiled)',
    async () => {
      const folder = lockedBy({ pid: NOBODY, host: hostname() });
      const script = `import(process.argv[1]).then(({ lockFolder }) => {
        let answer = 'locked';
        try { lockFolder(process.argv[2]); } catch (error) { answer = error.code; }
        process.stdout.write(answer);
        setInterval(() => undefined, 1000);
      });`;
      const answers = Array.from({ length: 4 }, async () => {
        const child = spawn(process.execPath, ['-e', script, compiled.href, folder], {
          stdio: ['ignore', 'pipe', 'inherit'],
        });
        onTestFinished(() => void child.kill('SIGKILL'));
        const [answer] = (await once(child.stdout, 'data')) as [Buffer];
        return answer.toString();
      });
      expect((await Promise.all(answers)).sort()).toEqual([
        'E_RUN_EXISTS',
        'E_RUN_EXISTS',
        'E_RUN_EXISTS',
        'locked',
      ]);
    },
  );
});
