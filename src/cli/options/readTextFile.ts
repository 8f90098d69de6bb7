/** The small text files that options name: certificates, keys, tokens, settings. */

import { readFileSync } from 'node:fs';
import { describeError, LockstepError } from '../../foundation/errors.js';

/**
 * @param flag the option that names the file, for the message
 * @throws LockstepError E_OPTION if it cannot be read
 */
export function readTextFile(flag: string, file: string): string {
  try {
    return decode(readFileSync(file));
  } catch (error) {
    throw new LockstepError('E_OPTION', `${flag} ${file} must be a readable file: ${describeError(error)}`);
  }
}

/** UTF-8, with or without a byte order mark, which editors hide; or UTF-16 with one, as PowerShell writes it. */
function decode(bytes: Buffer): string {
  const isUtf16 = bytes[0] === 0xff && bytes[1] === 0xfe;
  return bytes.toString(isUtf16 ? 'utf16le' : 'utf8').replace(/^\ufeff/, '');
}
