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

const TOKEN: SecretSource = { flag: '--token', fileFlag: '--token-file', variable: 'LOCKSTEP_TOKEN' };
const JOIN_TOKEN: SecretSource = {
  ...{ flag: '--join-token', fileFlag: '--join-token-file', variable: 'LOCKSTEP_JOIN_TOKEN' },
};

/** @throws LockstepError E_OPTION for an empty token, an unreadable file, or two sources at once */
export function resolveToken({
  token,
  tokenFile,
}: {
  readonly token?: string;
  readonly tokenFile?: string;
}): string | undefined {
  return resolveSecret(TOKEN, token, tokenFile);
}

/** The same for the secret of workers alone. @throws LockstepError E_OPTION */
export function resolveJoinToken({
  joinToken,
  joinTokenFile,
}: {
  readonly joinToken?: string;
  readonly joinTokenFile?: string;
}): string | undefined {
  return resolveSecret(JOIN_TOKEN, joinToken, joinTokenFile);
}

interface SecretSource {
  readonly flag: string;
  readonly fileFlag: string;
  readonly variable: string;
}

function resolveSecret(
  { flag, fileFlag, variable }: SecretSource,
  given: string | undefined,
  file: string | undefined,
): string | undefined {
  if (given !== undefined && file !== undefined) {
    throw new LockstepError('E_OPTION', `${flag} and ${fileFlag} exclude each other; leave one of them out`);
  }
  const value = given ?? (file === undefined ? process.env[variable] : readTextFile(fileFlag, file).trim());
  if (value === undefined || isTokenText(value)) return value;
  const isOfEnvironment = given === undefined && file === undefined;
  const source = isOfEnvironment ? variable : file === undefined ? flag : `${fileFlag} ${file}`;
  throw new LockstepError(
    'E_OPTION',
    `the token of ${source} ${value === '' ? 'is empty and ' : ''}must be one word of printable ASCII; ` +
      `for example what "openssl rand -hex 16" prints${isOfEnvironment ? `, or unset ${variable}` : ''}`,
  );
}

/** What to tell whoever shows a token where others may be listening; undefined if nobody can. */
export function clearTextWarning(url: URL, token: string | undefined): string | undefined {
  if (token === undefined || url.protocol === 'wss:' || isLoopback(url.hostname)) return undefined;
  return `${url.protocol}//${url.host} is not encrypted: whoever can listen in on the way to it learns the token (wss:// needs --tls-cert of the coordinator)`;
}

/** Flags whose value is a secret. */
const SECRETS: readonly string[] = ['--token', '--join-token', '--ui-token'];

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
    'lockstep: a secret on the command line was visible to other users of this machine for a moment; use LOCKSTEP_TOKEN or --token-file, LOCKSTEP_JOIN_TOKEN, and LOCKSTEP_UI_TOKEN',
  );
}
