/**
 * Tells whoever started the coordinator the token that was made for it: on the terminal, and nowhere else. What is
 * not a terminal is a log, a pipe or a run's record, where a secret would stay; then it goes to a private file, and only
 * the file's name is told.
 */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describeError, LockstepError } from '../../foundation/errors.js';
import { printError } from '../process/terminal.js';
import { workerCommand } from '../../session/index.js';

export interface TokenNotice {
  readonly token: string;
  readonly url: string;
  /** The coordinator's own certificate file, if workers must be told to trust it. */
  readonly ca: string | undefined;
  /** The address of the live page, which asks for the token, too. */
  readonly page: string | undefined;
  /** The run's previous session made a token too, and workers still show that one. */
  readonly replacesAnother: boolean;
  /** Standard output is for machines. */
  readonly json: boolean;
  readonly say: (message: string) => void;
}

export const NEW_TOKEN_ON_RESUME =
  'each --resume makes another token, and workers must be restarted with it; with a --token-file of your own they reconnect by themselves';
const REPLACES_ANOTHER =
  "It replaces the run's previous token: workers that use that one are refused, and must be restarted.";

/** Of a run whose token was made, resumed where only this machine can attach. */
export const NO_TOKEN_ANY_MORE =
  'the run had a token that was made for it; it has none now, as only this machine can attach: every process on it may. For a token of your own give LOCKSTEP_TOKEN or --token-file';

/** Removes what was written for the run. */
export interface Announced {
  withdraw(): void;
}

/** @throws LockstepError E_IO if there is no terminal, and no file can be written either */
export function announceToken({ token, url, ca, page, json, say, replacesAnother }: TokenNotice): Announced {
  const withWarning = (text: string): string => (replacesAnother ? `${text}\n${REPLACES_ANOTHER}` : text);
  if (process.stdout.isTTY && !json) {
    say(withWarning(shown(workerCommand({ url, ca, token }), page && addressWithToken(page, token))));
    return { withdraw: () => undefined };
  }
  if (process.stderr.isTTY) {
    printError(withWarning(shown(workerCommand({ url, ca, token }), page && addressWithToken(page, token))));
    return { withdraw: () => undefined };
  }
  const file = writePrivately(token);
  (json ? printError : say)(withWarning(filed(file, workerCommand({ url, ca, tokenFile: file }))));
  return { withdraw: () => rmSync(path.dirname(file), { recursive: true, force: true }) };
}

/** The environment, not an argument: of that other users of the worker's machine see nothing. */
function shown(worker: string, page: string | undefined): string {
  return [
    'no token was given, so one was made for this run; it is shown here only. On each machine that is to help:',
    `  ${worker}`,
    ...(page === undefined ? [] : ['To watch and to stop it, in a browser:', `  ${page}`]),
  ].join('\n');
}

/** Browsers do not send the part behind # to servers: it stays out of logs. */
function addressWithToken(page: string, token: string): string {
  return `${page}#token=${encodeURIComponent(token)}`;
}

function filed(file: string, worker: string): string {
  return [
    `no token was given, so one was made for this run; as this is no terminal, it is in ${file}, for you alone.`,
    'On this machine; elsewhere with a copy of the file, or its content as LOCKSTEP_TOKEN:',
    `  ${worker}`,
  ].join('\n');
}

function writePrivately(token: string): string {
  try {
    const file = path.join(mkdtempSync(path.join(tmpdir(), 'lockstep-')), 'token'); // a folder of mode 0700
    writeFileSync(file, `${token}\n`, { mode: 0o600, flag: 'wx' });
    return file;
  } catch (error) {
    throw new LockstepError(
      'E_IO',
      `cannot write a token file in ${tmpdir()}: ${describeError(error)}; name a folder that is writable in TMPDIR, or give a token with LOCKSTEP_TOKEN`,
      { cause: error },
    );
  }
}
