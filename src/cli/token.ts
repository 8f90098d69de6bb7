/** The secret that nodes show: from an option, a file or the environment, in this order. */

import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { describeError, LockstepError } from '../foundation/errors.js';

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
  const value = token ?? (tokenFile === undefined ? process.env['LOCKSTEP_TOKEN'] : readToken(tokenFile));
  if (value === undefined) return undefined;
  if (!/^[\x21-\x7e]+$/.test(value)) {
    throw new LockstepError(
      'E_OPTION',
      'the token must be one word of printable ASCII, not empty; for example --token s3cret',
    );
  }
  return value;
}

function readToken(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    throw new LockstepError('E_OPTION', `--token-file ${file} must be readable: ${describeError(error)}`);
  }
}
