/** The command that attaches a worker, to paste on its machine. */

import { commandLine } from '../foundation/commandLine.js';
import { quoted } from '../foundation/shellWord.js';
import type { AttachCommand } from '../watch/index.js';

export interface WorkerCommand {
  readonly url: string;
  /** The certificate file to trust, if it is not one that everybody trusts. */
  readonly ca?: string | undefined;
  readonly tokenFile?: string | undefined;
  /** In front of the command, in the environment; `…` where it is not to be shown. */
  readonly token?: string | undefined;
}

const HIDDEN = '…';

/** For the page of a run: what everybody sees, and what those who have shown the token may copy. */
export function attachCommand(at: Pick<WorkerCommand, 'url' | 'ca' | 'token'>): AttachCommand {
  const token = at.token === undefined ? undefined : HIDDEN;
  return { shown: workerCommand({ ...at, token }), withToken: workerCommand(at) };
}

export function workerCommand({ url, ca, tokenFile, token }: WorkerCommand): string {
  const options = {
    ...(ca === undefined ? {} : { ca }),
    ...(tokenFile === undefined ? {} : { tokenFile }),
  };
  const inFront = token === undefined ? '' : `LOCKSTEP_TOKEN=${token === HIDDEN ? token : quoted(token)} `;
  return `${inFront}${commandLine('worker', url, options)}`;
}
