/** `lockstep ui` as a process of its own. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { inRepository } from '../repository.js';

export interface ServedPage {
  readonly url: string;
  readonly pid: number;
  stop(): Promise<void>;
}

export async function startLockstep(words: readonly string[]): Promise<ServedPage> {
  const child = spawn(process.execPath, ['bin/lockstep', ...words], {
    cwd: inRepository(),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  for await (const chunk of child.stdout) {
    output += String(chunk);
    const url = /at (http:\S+)/.exec(output)?.[1];
    if (url === undefined) continue;
    return {
      url,
      pid: child.pid!,
      stop: async () => {
        child.kill('SIGTERM');
        if (child.exitCode === null) await once(child, 'exit');
      },
    };
  }
  throw new Error(`lockstep ${words.join(' ')} ended: ${output}`);
}
