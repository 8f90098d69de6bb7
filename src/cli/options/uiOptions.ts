/**
 * The live page of a run: where it is served, and what viewers must show. Of one session only: no file holds it, and a
 * resumed run is told again.
 */

import { Option } from 'commander';
import type { Command } from 'commander';
import { LockstepError } from '../../foundation/errors.js';
import { ADDRESS, isTokenText, splitAddress, valueParser } from '../../session/index.js';

const USUAL_ADDRESS = '127.0.0.1:7080';
const TOKEN_VARIABLE = 'LOCKSTEP_UI_TOKEN';

/** `ui`, which only looks. */
export function declareViewersToken(command: Command): void {
  command.addOption(uiTokenOption());
}

const uiTokenOption = (): Option =>
  new Option(
    '--ui-token <secret>',
    `secret of viewers of the live page, who cannot stop runs; other users may see it here: better env ${TOKEN_VARIABLE}`,
  ).helpGroup('Connection:');

/** `train --ui [HOST:PORT]` */
export function declareOwnPage(command: Command): void {
  const parse = valueParser('--ui', { kind: 'text', form: ADDRESS }, USUAL_ADDRESS);
  const option = new Option('--ui [host:port]', 'serve a live page of this run')
    .preset(USUAL_ADDRESS)
    .argParser((text: string) => parse(text))
    .helpGroup('Connection:');
  command.addOption(option).addOption(uiTokenOption());
}

/** `coordinator --no-ui` */
export function declareSharedPage(command: Command): void {
  const option = new Option('--no-ui', 'do not serve the live page at the address to listen on');
  command.addOption(option.helpGroup('Connection:')).addOption(uiTokenOption());
}

/** @throws LockstepError E_OPTION for a secret that cannot be shown */
export function resolveUiToken(command: Command): string | undefined {
  const { uiToken } = command.opts<{ uiToken?: string }>();
  const token = uiToken ?? process.env[TOKEN_VARIABLE];
  if (token === undefined || isTokenText(token)) return token;
  const source = uiToken === undefined ? TOKEN_VARIABLE : '--ui-token';
  throw new LockstepError(
    'E_OPTION',
    `the secret of ${source} ${token === '' ? 'is empty and ' : ''}must be one word of printable ASCII; for example what "openssl rand -hex 16" prints${uiToken === undefined ? `, or unset ${TOKEN_VARIABLE}` : ''}`,
  );
}

/** The variable may be set for other commands. @throws LockstepError E_OPTION */
export function refuseTokenWithoutPage(command: Command): void {
  const { uiToken } = command.opts<{ uiToken?: string }>();
  if (uiToken === undefined) return;
  throw new LockstepError(
    'E_OPTION',
    '--ui-token has no effect without --ui, which serves the page; add --ui, or leave --ui-token out',
  );
}

/** Where `train` serves its page; undefined: nowhere. */
export function ownPageAddress(
  command: Command,
): { readonly host: string; readonly port: number } | undefined {
  const { ui } = command.opts<{ ui?: string }>();
  return ui === undefined ? undefined : splitAddress(ui);
}

/** Whether `coordinator` serves the page. */
export function isPageShared(command: Command): boolean {
  return command.opts<{ ui: boolean }>().ui;
}
