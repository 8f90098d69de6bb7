/** The URL of a coordinator as users write it. */

import { LockstepError } from '../foundation/errors.js';
import { ENDPOINT_PATH } from '../protocol/index.js';

/** Accepts ws, wss, http and https URLs, and a bare HOST:PORT. @throws LockstepError E_OPTION */
export function coordinatorUrl(text: string): URL {
  const withScheme = /^[a-z]+:\/\//i.test(text) ? text : `ws://${text}`;
  const url = URL.canParse(withScheme) ? new URL(withScheme) : undefined;
  const scheme = url?.protocol.replace(/^http/, 'ws');
  if (!url && /\[[^\]]*%/.test(text)) {
    throw new LockstepError(
      'E_OPTION',
      `${text} holds a zone (%), which no URL can; use the coordinator's name or another address of its machine`,
    );
  }
  if (!url || (scheme !== 'ws:' && scheme !== 'wss:')) {
    throw new LockstepError(
      'E_OPTION',
      `${text} must be the coordinator's URL; for example ws://127.0.0.1:7070`,
    );
  }
  const path = url.pathname === '/' ? ENDPOINT_PATH : url.pathname;
  return new URL(path, `${scheme}//${url.host}`);
}
