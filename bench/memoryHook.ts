/**
 * Loaded into the measured process (`node --import`). When that ends, writes its memory use to a file; see
 * `MemoryReadings`.
 */

import { writeFileSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';
import type { MemoryReadings } from './trainRun.js';

const INTERVAL_MS = 500;

const file = process.env['LOCKSTEP_BENCH_MEMORY_FILE'];
if (isMainThread && file !== undefined) {
  const residentBytes: number[] = [];
  setInterval(() => residentBytes.push(process.memoryUsage.rss()), INTERVAL_MS).unref();
  process.on('exit', () => {
    const readings: MemoryReadings = { peakBytes: process.resourceUsage().maxRSS * 1024, residentBytes };
    writeFileSync(file, JSON.stringify(readings));
  });
}
