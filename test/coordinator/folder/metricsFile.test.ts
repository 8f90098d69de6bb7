import type * as Fs from 'node:fs';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { MetricsFile } from '../../../src/coordinator/folder/metricsFile.js';
import { thrownBy } from '../../support/errors.js';
import { temporaryFolder } from '../../support/temporaryFolder.js';

/** A file system with the rules of Windows, and faults that a test asks for. */
const disk = vi.hoisted(() => ({
  open: new Set<number>(),
  truncateFails: false,
  isFull: false,
}));

vi.mock('node:fs', async (importOriginal) => {
  const real = await importOriginal<typeof Fs>();
  const fail = (code: string): never => {
    throw Object.assign(new Error(`${code}: as the test wants it`), { code });
  };
  return {
    ...real,
    openSync: (file: string, flags: string) => {
      const descriptor = real.openSync(file, flags);
      disk.open.add(descriptor);
      return descriptor;
    },
    closeSync: (descriptor: number) => {
      disk.open.delete(descriptor);
      real.closeSync(descriptor);
    },
    // On Windows a descriptor that was opened to append has no right to change what is there.
    ftruncateSync: () => fail('EPERM'),
    truncateSync: (file: string, length: number) =>
      disk.truncateFails ? fail('EIO') : real.truncateSync(file, length),
    writeSync: (descriptor: number, bytes: Buffer) =>
      disk.isFull ? fail('ENOSPC') : real.writeSync(descriptor, bytes),
  };
});

beforeEach(() => {
  disk.open.clear();
  disk.truncateFails = disk.isFull = false;
});

function fileWith(content: string): string {
  const file = path.join(temporaryFolder(), 'metrics.jsonl');
  writeFileSync(file, content);
  return file;
}

const contentOf = (file: string): string => readFileSync(file, 'utf8');

describe('where a file that is open to append cannot be truncated, as on Windows', () => {
  it('half a last line is removed', () => {
    const file = fileWith('{"step":1}\n{"ste');
    const metrics = MetricsFile.open(file);
    metrics.append({ step: 2 });
    metrics.close();
    expect(contentOf(file)).toBe('{"step":1}\n{"step":2}\n');
  });

  it('lines are removed, and the next one follows those that are kept', () => {
    const file = fileWith('{"step":1}\n{"step":2}\n{"note":1}\n');
    const metrics = MetricsFile.open(file);
    metrics.remove(({ step }) => step === 2);
    metrics.append({ step: 2 });
    metrics.close();
    expect(contentOf(file)).toBe('{"step":1}\n{"note":1}\n{"step":2}\n');
  });
});

it('a file whose end cannot be repaired is not left open', () => {
  disk.truncateFails = true;
  const error = thrownBy('E_IO', () => MetricsFile.open(fileWith('{"ste')));
  expect(error.message).toContain('metrics.jsonl');
  expect([...disk.open]).toEqual([]);
});

it('a file of another process gets none of the lines that wait', () => {
  const file = fileWith('');
  const metrics = MetricsFile.open(file);
  disk.isFull = true;
  metrics.append({ step: 1 });
  disk.isFull = false;
  metrics.abandon();
  expect(contentOf(file)).toBe('');
  expect([...disk.open]).toEqual([]);
});
