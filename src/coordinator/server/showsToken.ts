/** The secret of a request, `Authorization: Bearer TOKEN`. */

import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

/** Undefined for a request without one. */
export function bearerOf({ headers }: IncomingMessage): string | undefined {
  return /^Bearer (.+)$/.exec(headers.authorization ?? '')?.[1];
}

/** Compares in constant time. */
export function showsToken(request: IncomingMessage, token: string): boolean {
  return isSameSecret(bearerOf(request) ?? '', token);
}

/** Compares in constant time. */
export function isSameSecret(shown: string, secret: string): boolean {
  // Digests have equal lengths, so the comparison does not reveal the secret's length.
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(shown), digest(secret));
}
