/** What was measured is remembered, for this device alone; whatever is wrong with the memory does no harm. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs';
import { hostname } from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { TuningCache } from '../../../../src/engine/webgpu/tuning/tuningCache.js';
import type { TuningEnvironment } from '../../../../src/engine/webgpu/tuning/tuningCache.js';
import { REPOSITORY } from '../../../integration/support/lockstep.js';
import { temporaryFolder } from '../../../support/temporaryFolder.js';

const ENVIRONMENT: TuningEnvironment = {
  vendor: 'acme',
  architecture: 'roadrunner',
  device: '7',
  description: 'driver 1.2',
  backend: 'vulkan',
  name: 'Acme 7',
  kernels: 'wgsl-1',
  dawn: '1.0',
};
const NAMES = new Map([
  ['forward a', '8x8'],
  ['filter b', '4x4'],
]);
const NOBODY = 2 ** 22 + 1; // above the highest, proc(5)

const cacheIn = (folder: string, changed: Partial<TuningEnvironment> = {}): TuningCache =>
  new TuningCache(folder, { ...ENVIRONMENT, ...changed });

function fileIn(folder: string): string {
  const [file, ...others] = fs.readdirSync(folder);
  expect(others).toEqual([]);
  return path.join(folder, file!);
}

describe('the cache', () => {
  it('gives back what was added, and makes its folder', () => {
    const folder = path.join(temporaryFolder(), 'deep', 'below');
    expect(cacheIn(folder).read().size).toBe(0);
    expect(cacheIn(folder).add(NAMES)).toBe(true);
    expect(new Map(cacheIn(folder).read())).toEqual(NAMES);
    fileIn(folder); // and nothing beside it
  });

  it('keeps what came first', () => {
    const folder = temporaryFolder();
    cacheIn(folder).add(new Map([['forward a', '8x8']]));
    cacheIn(folder).add(
      new Map([
        ['forward a', '9x9'],
        ['filter b', '4x4'],
      ]),
    );
    expect(new Map(cacheIn(folder).read())).toEqual(NAMES);
  });

  it.each(Object.keys(ENVIRONMENT))('knows nothing of another %s', (part) => {
    const folder = temporaryFolder();
    cacheIn(folder).add(NAMES);
    expect(cacheIn(folder, { [part]: 'other' }).read().size).toBe(0);
  });

  const text = (change: (content: Record<string, unknown>) => unknown) => (whole: string) =>
    JSON.stringify(change(JSON.parse(whole) as Record<string, unknown>));
  it.each<[string, (text: string) => string]>([
    ['cut off', (whole) => whole.slice(0, 40)],
    ['empty', () => ''],
    ['of another kind', () => '[1, 2]'],
    ['null', () => 'null'],
    ['of a later format', text((content) => ({ ...content, format: 2 }))],
    ['of another environment', text((content) => ({ ...content, environment: '{}' }))],
    ['without tiles', text((content) => ({ ...content, tiles: null }))],
    ['with a list of tiles', text((content) => ({ ...content, tiles: ['8x8'] }))],
    ['far too large', (whole) => whole.padEnd(5_000_000)],
  ])('reads nothing from a file that is %s, and writes it anew', (_, damage) => {
    const folder = temporaryFolder();
    cacheIn(folder).add(NAMES);
    const file = fileIn(folder);
    fs.writeFileSync(file, damage(fs.readFileSync(file, 'utf8')));
    expect(cacheIn(folder).read().size).toBe(0);
    expect(cacheIn(folder).add(NAMES)).toBe(true);
    expect(new Map(cacheIn(folder).read())).toEqual(NAMES);
  });

  it('leaves out entries that are no names', () => {
    const folder = temporaryFolder();
    cacheIn(folder).add(NAMES);
    const file = fileIn(folder);
    const damage = text((content) => ({ ...content, tiles: { 'forward a': 7, 'filter b': '4x4' } }));
    fs.writeFileSync(file, damage(fs.readFileSync(file, 'utf8')));
    expect([...cacheIn(folder).read()]).toEqual([['filter b', '4x4']]);
  });

  it('does nothing where no file can be', async () => {
    const file = path.join(temporaryFolder(), 'file');
    fs.writeFileSync(file, '');
    for (const folder of [file, path.join(file, 'below')]) {
      const cache = cacheIn(folder);
      expect(cache.read().size).toBe(0);
      expect(cache.add(NAMES)).toBe(false);
      expect(await cache.lock().acquire(0)).toBe('impossible');
    }
  });
});

describe('the lock', () => {
  const lockFile = (folder: string): string => fileIn(folder);
  const leaveLockOf = (folder: string, owner: object): void => {
    const own = cacheIn(folder).lock();
    expect(own.tryOnce()).toBe('mine');
    fs.writeFileSync(lockFile(folder), JSON.stringify(owner));
  };

  it('is held by one at a time, and free again', async () => {
    const folder = temporaryFolder();
    const [mine, other] = [cacheIn(folder).lock(), cacheIn(folder).lock()];
    expect(mine.tryOnce()).toBe('mine');
    expect(other.tryOnce()).toBe('still held');
    other.release(); // is not its own
    const waiting = other.acquire(60_000);
    mine.release();
    expect(await waiting).toBe('mine');
    other.release();
    expect(fs.readdirSync(folder)).toEqual([]);
  });

  it('is taken over from a process that is gone', () => {
    const folder = temporaryFolder();
    leaveLockOf(folder, { host: hostname(), pid: NOBODY, id: 'a' });
    expect(cacheIn(folder).lock().tryOnce()).toBe('mine');
    expect(JSON.parse(fs.readFileSync(lockFile(folder), 'utf8'))).toMatchObject({ pid: process.pid });
  });

  it.each([
    ['another host', { host: `not-${hostname()}`, pid: NOBODY, id: 'a' }],
    ['a living process', { host: hostname(), pid: process.ppid, id: 'a' }],
    ['nobody known', { pid: 'x' }],
  ])('of %s is waited for, and taken away when that took too long', async (_, owner) => {
    const folder = temporaryFolder();
    leaveLockOf(folder, owner);
    expect(await cacheIn(folder).lock().acquire(0)).toBe('still held');
    expect(cacheIn(folder).lock().tryOnce()).toBe('mine');
  });
});

/** Takes the lock, adds what nobody has added, says what it then knows, and gives the lock back. */
const WRITER = `
  import { TuningCache } from ${JSON.stringify(path.join(REPOSITORY, 'dist/engine/webgpu/tuning/tuningCache.js'))};
  const [folder, me, environment] = process.argv.slice(1);
  const cache = new TuningCache(folder, JSON.parse(environment));
  const lock = cache.lock();
  if (await lock.acquire(60000) !== 'mine') process.exit(3);
  if (!cache.read().has('key')) console.log('measures');
  cache.add(new Map([['key', me], ['own ' + me, me]]));
  console.log('chose ' + cache.read().get('key'));
  lock.release();
`;

describe('several processes at once', () => {
  it('measure once, choose the same, and lose nothing that another wrote', async () => {
    const folder = temporaryFolder();
    const outputs = await Promise.all(
      ['a', 'b', 'c', 'd'].map(async (me) => {
        const child = spawn(
          process.execPath,
          ['--input-type=module', '-e', WRITER, folder, me, JSON.stringify(ENVIRONMENT)],
          { stdio: ['ignore', 'pipe', 'inherit'] },
        );
        let output = '';
        child.stdout.on('data', (data: Buffer) => (output += data.toString()));
        const [code] = (await once(child, 'close')) as [number];
        expect(code).toBe(0);
        return output.trim().split('\n');
      }),
    );
    expect(outputs.flat().filter((line) => line === 'measures')).toHaveLength(1);
    expect(new Set(outputs.map((lines) => lines.at(-1))).size).toBe(1);
    const own = [...cacheIn(folder).read().keys()].filter((key) => key.startsWith('own'));
    expect(own.sort()).toEqual(['own a', 'own b', 'own c', 'own d']);
    fileIn(folder); // no lock is left
  });
});
