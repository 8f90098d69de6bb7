/** The secret that nodes show: from an option, a file or the environment, in this order. */

import type { Command } from 'commander';
import { LockstepError } from '../foundation/errors.js';
import { readTextFile } from './readTextFile.js';

export function declareTokenOptions(command: Command): void {
  command
    .option(
      '--token <secret>',
      'secret that workers must show (env LOCKSTEP_TOKEN, which other users cannot see)',
    )
    .option('--token-file <file>', 'file that holds the secret');
}

/** @throws LockstepError E_OPTION for an empty token, an unreadable file, or two sources at once */
export function resolveToken(options: {
  readonly token?: string;
  readonly tokenFile?: string;
}): string | undefined {
  const { token, tokenFile } = options;
  if (token !== undefined && tokenFile !== undefined) {
    throw new LockstepError('E_OPTION', '--token and --token-file exclude each other; leave one of them out');
  }
  const value =
    token ??
    (tokenFile === undefined
      ? process.env['LOCKSTEP_TOKEN']
      : readTextFile('--token-file', tokenFile).trim());
  if (value === undefined) return undefined;
  if (!/^[\x21-\x7e]+$/.test(value)) {
    throw new LockstepError(
      'E_OPTION',
      'the token must be one word of printable ASCII, not empty; for example --token s3cret',
    );
  }
  return value;
}
