import { chmodSync, mkdirSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import {
  lookUntil,
  makeToken,
  publishAddress,
  readAddress,
  readToken,
  tokenFileOf,
  withdraw,
} from '../../../src/cli/cluster/rendezvous.js';
import { thrownBy } from '../../support/errors.js';
import { temporaryFolder } from '../../support/temporaryFolder.js';

it('keeps one secret for a run, which nobody else can read', () => {
  const runDir = path.join(temporaryFolder(), 'run');
  expect(readToken(runDir)).toBeUndefined();
  const token = makeToken(runDir);
  expect(token).toMatch(/^[0-9a-f]{48}$/);
  expect(makeToken(runDir)).toBe(token);
  expect(readToken(runDir)).toBe(token);
  expect(statSync(tokenFileOf(runDir)).mode & 0o777).toBe(0o600);
  expect(readdirSync(runDir)).toEqual(['.launch-token']);
});

it('replaces the address, and takes back both', () => {
  const runDir = path.join(temporaryFolder(), 'run');
  makeToken(runDir);
  publishAddress(runDir, 'ws://n1:20001');
  publishAddress(runDir, 'wss://n2:20001');
  expect(readAddress(runDir)?.href).toBe('wss://n2:20001/');
  withdraw(runDir);
  expect(readdirSync(runDir)).toEqual([]);
  withdraw(runDir);
});

it.each(['', 'n1:7070', 'http://n1:7070', 'ws://'])('takes %j for no address', (text) => {
  const runDir = temporaryFolder();
  writeFileSync(path.join(runDir, '.launch-address'), text);
  expect(readAddress(runDir)).toBeUndefined();
});

it('refuses a secret that others can read, or that lies elsewhere', () => {
  const runDir = temporaryFolder();
  const file = tokenFileOf(runDir);
  writeFileSync(file, 'known-to-all\n', { mode: 0o600 });
  expect(readToken(runDir)).toBe('known-to-all');
  chmodSync(file, 0o640);
  expect(() => readToken(runDir)).toThrow(/mode 0600/);
  expect(() => makeToken(runDir)).toThrow(/mode 0600/);
  const other = path.join(temporaryFolder(), 'linked');
  mkdirSync(other);
  symlinkSync(file, tokenFileOf(other));
  expect(() => readToken(other)).toThrow(/mode 0600/);
});

it('looks until there is something to see, or nobody waits any more', async () => {
  let looks = 0;
  const { signal } = new AbortController();
  expect(await lookUntil(() => (++looks === 3 ? 'there' : undefined), { forMs: 60_000, signal })).toBe(
    'there',
  );
  expect(await lookUntil(() => undefined, { forMs: 0, signal })).toBeUndefined();
  const stopped = AbortSignal.abort(new Error('stopped'));
  await expect(lookUntil(() => undefined, { forMs: 60_000, signal: stopped })).rejects.toThrow('stopped');
});

it('says that a run folder is a file', () => {
  const file = path.join(temporaryFolder(), 'notes.txt');
  writeFileSync(file, 'mine');
  const error = thrownBy('E_IO', () => readToken(file));
  expect(error.message).toMatch(/cannot share .*notes\.txt.*choose another --run-dir/);
});
