/** What `worker` and `relay` have in common. */

import { text } from '../../foundation/options/definition.js';
import { authorityFrom } from '../../session/index.js';
import type { NodeStatus } from '../../worker/index.js';
import { readTextFile } from '../options/readTextFile.js';

export const CA_OPTION = {
  ca: text<string | undefined>({
    group: 'Connection',
    placeholder: 'file',
    default: undefined,
    help: 'certificate authority (PEM) to trust besides the public ones, for wss://',
    example: 'ca.pem',
  }),
};

export function readAuthority(file: string | undefined): string | undefined {
  return file === undefined
    ? undefined
    : authorityFrom(readTextFile('--ca', file), { option: 'ca', value: file });
}

export function statusLine(status: NodeStatus): string {
  return status.kind === 'connected'
    ? `connected to ${status.url}`
    : `not connected (${status.reason}); trying again in ${(status.retryInMs / 1000).toFixed(1)} s`;
}
