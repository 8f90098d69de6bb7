import { readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { CheckpointFiles } from '../../../src/coordinator/checkpoints/checkpointFiles.js';
import type { CheckpointSnapshot } from '../../../src/coordinator/checkpoints/checkpointSnapshot.js';
import { ioError } from '../../../src/coordinator/checkpoints/files.js';
import { CheckpointWriter } from '../../../src/coordinator/checkpoints/checkpointWriter.js';
import { temporaryFolder } from '../../support/temporaryFolder.js';

interface Held extends CheckpointSnapshot {
  /** Lets the write that has begun go on. */
  release(): void;
  readonly isBegun: () => boolean;
}

/** A snapshot whose write stands still until it is released. */
function held(step: number): Held {
  let begun = false;
  let release: () => void = () => undefined;
  const gate = new Promise<void>((resolve) => (release = resolve));
  return {
    step,
    encode: async () => {
      begun = true;
      await gate;
      return [Buffer.from(`step `), Buffer.from(String(step))];
    },
    release: () => release(),
    isBegun: () => begun,
  };
}

async function writerIn(folder: string): Promise<{ files: CheckpointFiles; writer: CheckpointWriter }> {
  const checkpoints = path.join(folder, 'checkpoints');
  await mkdir(checkpoints);
  const files = new CheckpointFiles(checkpoints);
  return { files, writer: new CheckpointWriter(files) };
}

describe('checkpoints that come faster than they are written', () => {
  it('are written one at a time, and of those that wait only the newest', async () => {
    const { files, writer } = await writerIn(temporaryFolder());
    const snapshots = [1, 2, 3, 4, 5].map(held);
    const saved: number[] = [];
    for (const snapshot of snapshots) writer.save('last', snapshot, () => saved.push(snapshot.step));
    expect(snapshots.map(({ isBegun }) => isBegun())).toEqual([true, false, false, false, false]);
    snapshots[0]!.release();
    snapshots[4]!.release();
    await writer.flush();
    expect(saved).toEqual([1, 5]);
    expect(snapshots.map(({ isBegun }) => isBegun())).toEqual([true, false, false, false, true]);
    expect(readFileSync(files.fileOf('last'), 'utf8')).toBe('step 5');
    expect(readFileSync(files.previousFile, 'utf8')).toBe('step 1');
  });

  it('of one name do not crowd out the other', async () => {
    const { files, writer } = await writerIn(temporaryFolder());
    const [first, best, second] = [held(1), held(2), held(3)];
    const order: string[] = [];
    writer.save('last', first, () => {
      order.push('last');
      if (order.length === 1) writer.save('last', second, () => order.push('newer last'));
    });
    writer.save('best', best, () => order.push('best'));
    for (const snapshot of [first, best, second]) snapshot.release();
    await writer.flush();
    expect(order).toEqual(['last', 'best', 'newer last']);
    expect(readFileSync(files.fileOf('best'), 'utf8')).toBe('step 2');
  });

  it('fail together on a full disk, and that is news once for each time', async () => {
    const full = Object.assign(new Error('no space'), { code: 'ENOSPC' });
    const files = new CheckpointFiles(temporaryFolder(), () => {
      throw ioError('a file', full);
    });
    const writer = new CheckpointWriter(files);
    const news: number[] = [];
    let attempts = 0;
    const save = (name: 'last' | 'best'): void => {
      const snapshot = held(1);
      snapshot.release();
      writer.save(name, snapshot, (outcome) => {
        attempts++;
        if (outcome.kind === 'failed' && !outcome.isKnown) news.push(outcome.failures);
      });
    };
    for (const _round of [1, 2]) {
      save('last');
      save('best');
      await writer.flush().catch(() => undefined);
    }
    expect(news).toEqual(Array.from(news, (_, index) => index + 1)); // and not 1, 1, 2, 2
    expect(attempts).toBeGreaterThan(news.length);
  });

  it('never keep the caller waiting', async () => {
    const { writer } = await writerIn(temporaryFolder());
    const snapshot = held(1);
    let outcome: unknown;
    expect(writer.save('last', snapshot, (it) => (outcome = it))).toBeUndefined();
    expect(outcome).toBeUndefined();
    snapshot.release();
    await writer.flush();
    expect(outcome).toMatchObject({ kind: 'saved', byteCount: 6, recovered: false });
  });
});
