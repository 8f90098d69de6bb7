/** What `worker`, `relay` and the ranks of `launch` have in common. */

import { flagName } from '../../foundation/commandLine.js';
import { text } from '../../foundation/options/definition.js';
import { authorityFrom } from '../../session/index.js';
import type { NodeStatus } from '../../worker/index.js';
import { outputIsLog, withTime } from '../display/logTime.js';
import { readTextFile } from '../options/readTextFile.js';
import { print } from '../process/terminal.js';

export const CA_OPTION = {
  ca: text<string | undefined>({
    group: 'Connection',
    placeholder: 'file',
    default: undefined,
    help: 'certificate authority (PEM) to trust besides the public ones, for wss://',
    example: 'ca.pem',
  }),
};

/** @param option that named the file */
export function readAuthority(file: string | undefined, option: 'ca' | 'tlsCert' = 'ca'): string | undefined {
  return file === undefined
    ? undefined
    : authorityFrom(readTextFile(flagName(option), file), { option, value: file });
}

export function statusLine(status: NodeStatus): string {
  return status.kind === 'connected'
    ? `connected to ${status.url}`
    : `not connected (${status.reason}); trying again in ${(status.retryInMs / 1000).toFixed(1)} s`;
}

export function say(message: string): void {
  print(outputIsLog() ? withTime(message) : message);
}
