/** The secret that workers show to a coordinator: which one a run has, and where it came from. */

import { randomBytes } from 'node:crypto';
import { isLoopback } from '../coordinator/index.js';
import type { TokenSource } from './coordinatorSettings.js';
import { splitAdvertised } from './options/values.js';

const TOKEN_BYTES = 24; // 192 bits: not to be guessed, however many try

/** One word of printable ASCII: it travels in a header. */
export function isTokenText(token: string): boolean {
  return /^[\x21-\x7e]+$/.test(token);
}

export interface DoorToken {
  /** Undefined: none is asked for. */
  readonly token: string | undefined;
  readonly source: TokenSource;
}

interface DoorPlace {
  readonly host: string;
  /** HOST or HOST:PORT by which workers reach this machine. */
  readonly advertise: string | undefined;
  /** A secret for workers alone, if one was given. */
  readonly joinToken?: string | undefined;
}

/**
 * The token that was given; if none was, none where only this machine can connect, and elsewhere a new one. A secret for
 * workers alone needs a token beside it: without one, everybody could see and stop the run.
 */
export function doorTokenFor(
  given: string | undefined,
  { host, advertise, joinToken }: DoorPlace,
): DoorToken {
  if (given !== undefined) return { token: given, source: 'given' };
  // Others come in by an advertised name, through a tunnel or a proxy, whatever address is listened on.
  const advertised = advertise === undefined ? undefined : splitAdvertised(advertise)?.host;
  const isForAll = joinToken === undefined && [host, advertised ?? host].every(isLoopback);
  if (isForAll) return { token: undefined, source: 'none' };
  return { token: randomBytes(TOKEN_BYTES).toString('hex'), source: 'made' };
}
