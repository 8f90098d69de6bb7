import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it, vi } from 'vitest';
import { lastCurveLine } from '../../../src/watch/tensorboard/lastCurveLine.js';
import { temporaryFolder } from '../../support/temporaryFolder.js';

const step = (number: number, more: object = {}): string =>
  `${JSON.stringify({ time: '2026-01-01T00:00:00.000Z', event: 'step', step: number, loss: 1, ...more })}\n`;
const notice = (length: number): string =>
  `${JSON.stringify({ event: 'notice', message: 'x'.repeat(length) })}\n`;

function fileOf(...lines: readonly string[]): string {
  const file = path.join(temporaryFolder(), 'metrics.jsonl');
  writeFileSync(file, lines.join(''));
  return file;
}

/** Near the borders of the blocks in which the file is read. */
const LENGTHS = [0, 1, 1000, (64 << 10) - 200, (64 << 10) - 40, 64 << 10, 200_000];

it.each(LENGTHS)('is found before a line of about %d bytes, and is that line itself', async (length) => {
  expect((await lastCurveLine(fileOf(step(1), step(2), notice(length))))?.moment.step).toBe(2);
  expect((await lastCurveLine(fileOf(step(1), step(2, { more: 'x'.repeat(length) }))))?.moment.step).toBe(2);
});

it('is nothing in a file without one', async () => {
  expect(await lastCurveLine(fileOf(notice(100_000)))).toBeUndefined();
  expect(await lastCurveLine(fileOf())).toBeUndefined();
});

it('joins a line of many blocks once, however long it is', async () => {
  const file = fileOf(step(1), notice(16 << 20));
  const { byteLength } = readFileSync(file);
  const concat = vi.spyOn(Buffer, 'concat');
  expect((await lastCurveLine(file))?.moment.step).toBe(1);
  const joined = concat.mock.results.reduce((sum, { value }) => sum + (value as Buffer).byteLength, 0);
  concat.mockRestore();
  expect(joined).toBeLessThanOrEqual(byteLength);
});
