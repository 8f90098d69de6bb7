/**
 * How a browser shows the token: its WebSocket can send no `Authorization`, only names of subprotocols. So the token travels
 * as one more name, `lockstep-token.` and base64url of its UTF-8 bytes. A server chooses `lockstep`, so it never repeats the
 * token. Runs in browsers, too.
 */

/** What the server chooses. */
export const SUBPROTOCOL = 'lockstep';
const TOKEN_PREFIX = 'lockstep-token.';

/** The names for `new WebSocket(url, names)`. */
export function subprotocolsFor(token: string | undefined): string[] {
  if (token === undefined) return [SUBPROTOCOL];
  const binary = String.fromCharCode(...new TextEncoder().encode(token));
  const base64url = btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
  return [SUBPROTOCOL, `${TOKEN_PREFIX}${base64url}`];
}

/** @param offered the header `Sec-WebSocket-Protocol` @returns undefined where there is none, or one that is no base64url */
export function tokenInSubprotocols(offered: string | undefined): string | undefined {
  const names = (offered ?? '').split(',').map((name) => name.trim());
  const encoded = names.find((name) => name.startsWith(TOKEN_PREFIX))?.slice(TOKEN_PREFIX.length);
  if (encoded === undefined || !/^[\w-]+$/.test(encoded)) return undefined;
  try {
    const binary = atob(encoded.replaceAll('-', '+').replaceAll('_', '/'));
    const bytes = Uint8Array.from(binary, (character) => character.charCodeAt(0));
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
