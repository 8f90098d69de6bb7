/**
 * Tells whoever started the coordinator how browser tabs attach. The link holds a secret, so it is shown on a terminal, and
 * nowhere else, as a token that was made is (tokenNotice.ts). Elsewhere only the page is named.
 */

import encodeQR from 'qr';
import type { OpenJoin } from '../../session/index.js';
import { printError } from '../process/terminal.js';

export interface JoinNotice {
  readonly join: OpenJoin;
  /** Whether the link is to be drawn, too. */
  readonly qr: boolean;
  /** Whether there is a live page, which shows the link to those who control the run. */
  readonly hasLivePage: boolean;
  /** Standard output is for machines. */
  readonly json: boolean;
  readonly say: (message: string) => void;
}

export function announceJoin({ join, qr, hasLivePage, json, say }: JoinNotice): void {
  const shown = [`join from a browser: ${join.link}`, ...(qr ? [qrText(join.link)] : [])].join('\n');
  if (process.stdout.isTTY && !json) return say(shown);
  if (process.stderr.isTTY) return printError(shown);
  const tell = json ? printError : say;
  if (join.link === join.page) return tell(shown);
  const where = hasLivePage
    ? 'the live page shows the link with its secret to those who log in with the token'
    : 'give a secret for such links with LOCKSTEP_JOIN_TOKEN or --join-token-file';
  tell(`join from a browser: ${join.page}#token=… (${where})`);
  if (qr) tell('--qr draws a secret, so it does so only on a terminal');
}

const QUIET_ZONE_MODULES = 2;
/** By upper module, then lower one, of two in one character; true is dark, which is left out. */
const HALVES = [
  ['█', '▀'],
  ['▄', ' '],
] as const;

/** For terminals that are dark, as most are; scanners take the opposite as well. Two modules share a character. */
export function qrText(text: string): string {
  const rows = encodeQR(text, 'raw', { ecc: 'low', border: QUIET_ZONE_MODULES });
  const lines: string[] = [];
  for (let y = 0; y < rows.length; y += 2) {
    const [upper, lower] = [rows[y]!, rows[y + 1]];
    lines.push(
      upper.map((isDark, x) => HALVES[Number(isDark) as 0 | 1][Number(lower?.[x] ?? true) as 0 | 1]).join(''),
    );
  }
  return lines.join('\n');
}
