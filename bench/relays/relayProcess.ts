/** One real `lockstep relay` process. */

import { spawn } from 'node:child_process';
import type { ChildProcessByStdio } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { inRepository } from '../repository.js';

export class RelayProcess {
  /** Where nodes attach. */
  readonly url: Promise<string>;
  private readonly child: ChildProcessByStdio<null, Readable, null>;

  constructor(above: string, name: string) {
    const args = [inRepository('bin', 'lockstep'), 'relay', above, '--listen', '127.0.0.1:0', '--name', name];
    this.child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    this.url = new Promise((resolve, reject) => {
      createInterface({ input: this.child.stdout }).on('line', (line) => {
        const found = /listening on (ws:\S+);/.exec(line)?.[1];
        if (found !== undefined) resolve(found);
      });
      this.child.on('close', (code) => reject(new Error(`the relay has ended with status ${code}`)));
    });
    this.url.catch(() => undefined);
  }

  get pid(): number {
    return this.child.pid!;
  }

  end(): void {
    this.child.kill('SIGKILL');
  }
}
