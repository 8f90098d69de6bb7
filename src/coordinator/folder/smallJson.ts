/** The files of a run that hold one JSON object: config.json and result.json. */

import { isRecord } from '../../foundation/isRecord.js';
import { NETWORK_LIMITS } from '../../model/index.js';

/** A config.json may hold a whole network; the rest has some hundred bytes. Older versions indented the network, too. */
export const MOST_JSON_BYTES = 4 * NETWORK_LIMITS.textLength;

/** @throws Error for a file that is too large to be what it should be */
export function checkJsonSize(byteCount: number): void {
  if (byteCount > MOST_JSON_BYTES) throw new Error(`it has ${byteCount} bytes, more than any such file`);
}

/** Indented for people, but for a network: each of its first values would take a line. */
export function configText(config: unknown): string {
  if (!isRecord(config) || config['network'] === undefined) return `${JSON.stringify(config, null, 2)}\n`;
  const { network, ...rest } = config;
  const others = JSON.stringify(rest, null, 2).replace(/\n?\}$/, '');
  const comma = others === '{' ? '' : ',';
  return `${others}${comma}\n  "network": ${JSON.stringify(network)}\n}\n`;
}
