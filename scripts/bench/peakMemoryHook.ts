/** Loaded into a process that is measured (`node --import`): at its end it writes its peak memory, in bytes, to a file. */

import { writeFileSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';

const file = process.env['LOCKSTEP_BENCH_PEAK_FILE'];
if (isMainThread && file !== undefined) {
  process.on('exit', () => writeFileSync(file, String(process.resourceUsage().maxRSS * 1024)));
}
