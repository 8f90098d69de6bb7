/** The command that attaches a worker, to paste on its machine. */

import { commandLine } from '../../foundation/commandLine.js';

export interface WorkerCommand {
  readonly url: string;
  /** The certificate file to trust, if it is not one that everybody trusts. */
  readonly ca?: string | undefined;
  readonly tokenFile?: string | undefined;
  /** In front of the command, in the environment; `…` where it is not to be shown. */
  readonly token?: string | undefined;
}

export function workerCommand({ url, ca, tokenFile, token }: WorkerCommand): string {
  const options = {
    ...(ca === undefined ? {} : { ca }),
    ...(tokenFile === undefined ? {} : { tokenFile }),
  };
  const inFront = token === undefined ? '' : `LOCKSTEP_TOKEN=${token} `;
  return `${inFront}${commandLine('worker', url, options)}`;
}
