/** The secret that nodes show: from an option, a file or the environment, in this order. */

import type { Command } from 'commander';
import { isLoopback } from '../../coordinator/index.js';
import { LockstepError } from '../../foundation/errors.js';
import { readTextFile } from '../options/readTextFile.js';
import { isTokenText, nonEmpty } from '../../session/index.js';
import { printError } from '../process/terminal.js';

export function declareTokenOptions(command: Command): void {
  command
    .option(
      '--token <secret>',
      'secret that workers must show; other users may see it here: better env LOCKSTEP_TOKEN',
    )
    .option('--token-file <file>', 'file that holds the secret', nonEmpty('--token-file', 'token.txt'));
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
  if (!isTokenText(value)) {
    const isOfEnvironment = token === undefined && tokenFile === undefined;
    const source = isOfEnvironment
      ? 'LOCKSTEP_TOKEN'
      : tokenFile === undefined
        ? '--token'
        : `--token-file ${tokenFile}`;
    throw new LockstepError(
      'E_OPTION',
      `the token of ${source} ${value === '' ? 'is empty and ' : ''}must be one word of printable ASCII; ` +
        `for example what "openssl rand -hex 16" prints${isOfEnvironment ? ', or unset LOCKSTEP_TOKEN' : ''}`,
    );
  }
  return value;
}

/** What to tell whoever shows a token where others may be listening; undefined if nobody can. */
export function clearTextWarning(url: URL, token: string | undefined): string | undefined {
  if (token === undefined || url.protocol === 'wss:' || isLoopback(url.hostname)) return undefined;
  return `${url.protocol}//${url.host} is not encrypted: whoever can listen in on the way to it learns the token (wss:// needs --tls-cert of the coordinator)`;
}

/** Flags whose value is a secret. */
const SECRETS: readonly string[] = ['--token', '--ui-token'];

/**
 * The command line as a list of processes may show it: each secret as `***`. Undefined if there is none in it.
 * @param argv after the program's name
 */
export function maskedArguments(argv: readonly string[]): readonly string[] | undefined {
  const masked = argv.map((argument, index) => {
    if (SECRETS.includes(argv[index - 1] ?? '')) return '***';
    const flag = SECRETS.find((secret) => argument.startsWith(`${secret}=`));
    return flag === undefined ? argument : `${flag}=***`;
  });
  return masked.some((argument, index) => argument !== argv[index]) ? masked : undefined;
}

/**
 * Hides a secret given as a flag from the list of processes, where Node can (Linux, macOS). It was visible there while
 * Node started, so a warning is printed.
 */
export function hideToken(argv: readonly string[]): void {
  const masked = maskedArguments(argv);
  if (!masked) return;
  process.title = ['lockstep', ...masked].join(' ');
  printError(
    'lockstep: a secret on the command line was visible to other users of this machine for a moment; use LOCKSTEP_TOKEN or --token-file, and LOCKSTEP_UI_TOKEN',
  );
}
