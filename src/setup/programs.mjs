/** Other programs: whether they are there, and running one until it ends. */

import { spawn, spawnSync } from 'node:child_process';

const TAIL_LENGTH = 20_000;
const running = new Set();

/** Whether a command can be started and ends well. */
export function works(command, args) {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0;
}

/** What a command prints, or undefined if it fails. */
export function output(command, args) {
  const { status, stdout } = spawnSync(command, args, { encoding: 'utf8' });
  return status === 0 ? stdout : undefined;
}

/**
 * Runs a command and shows what it prints, unless `quiet`.
 * @param options.stalled asked every second; true ends the command
 * @returns {Promise<{ succeeded: boolean, output: string }>} `output` is the end of what it printed
 */
export function run(command, args, { cwd, env, quiet = false, stalled } = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
    running.add(child);
    let tail = '';
    const take = (to) => (data) => {
      tail = (tail + data).slice(-TAIL_LENGTH);
      if (!quiet) to.write(data);
    };
    child.stdout.on('data', take(process.stdout));
    child.stderr.on('data', take(process.stderr));
    const watch = stalled && setInterval(() => stalled() && child.kill('SIGKILL'), 1000);
    const end = (succeeded, more = '') => {
      clearInterval(watch);
      running.delete(child);
      resolve({ succeeded, output: tail + more });
    };
    child.on('error', (error) => end(false, error.message));
    child.on('close', (status) => end(status === 0));
  });
}

/** For the way out: nothing that was started here goes on after this process. */
export function endAll() {
  for (const child of running) child.kill('SIGKILL');
}

/** The line of a program's output that says most. */
export function tellingLine(text) {
  const lines = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  const telling =
    lines.find((line) => /^(npm )?\w*error\b.*:/i.test(line)) ??
    lines.findLast((line) => /error|fail|not found|unable|cannot/i.test(line));
  return (telling ?? lines.at(-1) ?? 'it said nothing').slice(0, 300);
}
