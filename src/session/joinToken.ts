/**
 * The secret for workers alone. Links and QR codes that attach browser tabs hold it instead of the token: whoever has it can
 * attach workers, and can neither see the run on its page nor stop it.
 */

import { scrypt } from 'node:crypto';
import { promisify } from 'node:util';
import { OptionError } from '../foundation/options/optionError.js';

export interface DoorJoin {
  /** Whether the page that attaches browser tabs is served. */
  readonly hasPage: boolean;
  /** The secret for workers alone, if one was given. */
  readonly token: string | undefined;
}

const TOKEN_BYTES = 24;
const derive = promisify<string, string, number, Buffer>(scrypt);

/**
 * The one that was given, or one made of the token: a run that is resumed with the same token has the same again, so tabs
 * come back by themselves. It is made slowly, so that a short token cannot be found from it by trying. Undefined where no
 * token is asked for.
 */
export async function joinTokenFor(
  token: string | undefined,
  { hasPage, token: given }: DoorJoin,
): Promise<string | undefined> {
  if (given !== undefined || token === undefined || !hasPage) return given;
  return (await derive(token, 'lockstep join token 1', TOKEN_BYTES)).toString('base64url');
}

/** The page's address with the secret behind #, which browsers send to no server. */
export function joinLink(page: string, joinToken: string | undefined): string {
  return joinToken === undefined ? page : `${page}#token=${encodeURIComponent(joinToken)}`;
}

/** A secret for workers alone must not be good for more. @throws OptionError */
export function refuseSharedSecret(
  joinToken: string | undefined,
  others: { readonly token: string | undefined; readonly uiToken: string | undefined },
): void {
  if (joinToken === undefined) return;
  for (const option of ['token', 'uiToken'] as const) {
    if (others[option] !== joinToken) continue;
    throw new OptionError(
      [
        { option: 'joinToken' },
        ' and ',
        { option },
        ' are the same secret: it would open more than the door for workers',
      ],
      [
        { kind: 'advice', sentence: ['give another ', { option: 'joinToken' }] },
        { kind: 'leave-out', option: 'joinToken' },
      ],
    );
  }
}
