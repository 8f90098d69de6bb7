/**
 * How browser tabs attach to a coordinator: whether its page for them is served, and what they must show. Of one session
 * only, as the live page: no file holds it, and a resumed run is told again.
 */

import { Option } from 'commander';
import type { Command } from 'commander';
import type { CommandOptions } from '../../foundation/commandLine.js';
import { nonEmpty } from '../../session/index.js';
import type { DoorJoin } from '../../session/index.js';
import { resolveJoinToken } from './token.js';

interface RawOptions {
  readonly join: boolean;
  readonly joinToken?: string;
  readonly joinTokenFile?: string;
  readonly qr?: boolean;
}

export function declareJoinOptions(command: Command): void {
  const options = [
    new Option(
      '--no-join',
      'do not serve the page by which browser tabs attach (/join, at the address to listen on)',
    ),
    new Option(
      '--join-token <secret>',
      'secret that attaches workers, and opens no page and stops no run; other users may see it here: better env LOCKSTEP_JOIN_TOKEN (default: one made of the token)',
    ),
    new Option('--join-token-file <file>', 'file that holds that secret').argParser(
      nonEmpty('--join-token-file', 'join-token.txt'),
    ),
  ];
  for (const option of options) command.addOption(option.helpGroup('Connection:'));
}

/** For commands that people start in a terminal. */
export function declareQr(command: Command): void {
  const option = new Option('--qr', 'draw the link for browser tabs as a QR code, on a terminal');
  command.addOption(option.helpGroup('Connection:'));
}

/** @throws LockstepError E_OPTION for a secret that cannot be shown or read */
export function joinOf(command: Command): DoorJoin {
  const options = command.opts<RawOptions>();
  return { hasPage: options.join, token: resolveJoinToken(options) };
}

export function asksForQr(command: Command): boolean {
  return command.opts<RawOptions>().qr === true;
}

/** For the command that continues the run. */
export function joinArguments(command: Command): CommandOptions {
  const { join, joinTokenFile } = command.opts<RawOptions>();
  return {
    ...(joinTokenFile === undefined ? {} : { joinTokenFile }),
    ...(join ? {} : { join: false }),
  };
}

/** Whether whoever continues the run must give the secret again: no file that the command names holds it. */
export function mustGiveAgain(command: Command): boolean {
  const { joinTokenFile } = command.opts<RawOptions>();
  return joinTokenFile === undefined && joinOf(command).token !== undefined;
}
