/**
 * Stops this process with SIGSTOP when it has written a line that matches, to its standard output or to a file:
 * LOCKSTEP_TEST_STAND_STILL='["pattern", …]', one pattern after another. Whoever watches acts at leisure, and has it go on
 * with SIGCONT. SIGKILL ends a stopped process, too; other signals wait.
 */

import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { isMainThread } from 'node:worker_threads';

const patterns = JSON.parse(process.env['LOCKSTEP_TEST_STAND_STILL'] ?? '[]').map(
  (source) => new RegExp(source),
);

function standStillAfter(written) {
  if (patterns.length === 0 || !patterns[0].test(String(written))) return;
  patterns.shift();
  process.kill(process.pid, 'SIGSTOP');
}

/** Both are synchronous: on pipes, too, a line has left the process when the call returns. */
function watch(owner, name, writtenAt) {
  const write = owner[name];
  owner[name] = function (...given) {
    const outcome = write.apply(this, given);
    standStillAfter(given[writtenAt]);
    return outcome;
  };
}

if (isMainThread) {
  watch(process.stdout, 'write', 0);
  watch(fs, 'writeSync', 1);
  syncBuiltinESMExports();
}
