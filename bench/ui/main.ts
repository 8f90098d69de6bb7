/**
 * `npm run bench:ui`: how fast the live page shows many runs and long ones. Makes 300 finished runs of 200 epochs, ten of them
 * with 100,000 steps each, and one run with a gigabyte of metrics; serves them with `lockstep ui`, and asks as the page does.
 * `--folder DIR` keeps the runs for the next time.
 */

import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { startLockstep } from './process.js';
import { LONG_RUNS, makeRuns } from './runs.js';

const { values } = parseArgs({ options: { folder: { type: 'string' } } });
const folder = values.folder ?? mkdtempSync(path.join(tmpdir(), 'lockstep-ui-'));
try {
  if (!existsSync(path.join(folder, 'huge'))) makeRuns(folder);
  await measure();
} finally {
  if (values.folder === undefined) rmSync(folder, { recursive: true, force: true });
}

async function measure(): Promise<void> {
  const page = await startLockstep(['ui', folder, '--listen', '127.0.0.1:0']);
  try {
    const runs = async (count: number, query = ''): Promise<void> => {
      const ids = Array.from({ length: count }, (_, index) => `long-${index}`);
      await Promise.all(ids.map((id) => asked(`api/run?id=${id}${query}`)));
    };
    const asked = async (what: string): Promise<void> => {
      const response = await fetch(`${page.url}/${what}`);
      if (!response.ok) throw new Error(`${what}: status ${response.status}`);
      await response.arrayBuffer();
    };
    await timed('the list, 300 runs', () => asked('api/runs'));
    await timed('the list again', () => asked('api/runs'));
    await timed(`curves of ${LONG_RUNS} runs over epochs`, () => runs(LONG_RUNS));
    await timed('the same again', () => runs(LONG_RUNS));
    await timed(`curves of ${LONG_RUNS} runs over steps`, () => runs(LONG_RUNS, '&steps=1'));
    await timed('the same again', () => runs(LONG_RUNS, '&steps=1'));
    // A page that is looked at meanwhile must not stall.
    const huge = timed('curves of a run with 1 GB of metrics', () => asked('api/run?id=huge&steps=1'));
    const waits: number[] = [];
    const done = { yet: false };
    void huge.then(() => (done.yet = true));
    while (!done.yet) waits.push(await milliseconds(() => asked('api/runs')));
    await huge;
    console.log(`the list meanwhile: ${waits.length} times, the slowest ${Math.max(...waits).toFixed(0)} ms`);
    await timed('the same again', () => asked('api/run?id=huge&steps=1'));
    console.log(`peak memory of the server: ${peakMemoryMb(page.pid)} MB`);
  } finally {
    await page.stop();
  }
}

async function timed(what: string, work: () => Promise<void>): Promise<void> {
  const elapsedMs = await milliseconds(work);
  console.log(`${what}: ${elapsedMs.toFixed(0)} ms`);
}

async function milliseconds(work: () => Promise<void>): Promise<number> {
  const startedMs = performance.now();
  await work();
  return performance.now() - startedMs;
}

/** Of Linux only. */
function peakMemoryMb(pid: number): string {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    return (Number(/^VmHWM:\s*(\d+)/m.exec(status)?.[1]) / 1024).toFixed(0);
  } catch {
    return '?';
  }
}
