/** The URL of a coordinator as users write it. */

import { LockstepError } from '../foundation/errors.js';
import { ENDPOINT_PATH } from '../protocol/index.js';

/** Where a coordinator listens unless it is told otherwise. */
const DEFAULT_PORT = '7070';

/** Of a ws or wss URL, or a bare HOST or HOST:PORT. @throws LockstepError E_OPTION for what is no coordinator's URL */
export function coordinatorUrl(text: string): URL {
  const withScheme = /^[a-z]+:\/\//i.test(text) ? text : `ws://${text}`;
  const url = URL.canParse(withScheme) ? new URL(withScheme) : undefined;
  if (!url && /\[[^\]]*%/.test(text)) {
    throw new LockstepError(
      'E_OPTION',
      `${text} holds a zone (%), which no URL can; use the coordinator's name or another address of its machine`,
    );
  }
  if (url && /^https?:$/.test(url.protocol)) {
    const scheme = url.protocol.replace('http', 'ws');
    throw new LockstepError(
      'E_OPTION',
      `${text} must begin with ws:// or wss://; use ${scheme}//${url.host}, or the URL that the coordinator prints`,
    );
  }
  if (!url || (url.protocol !== 'ws:' && url.protocol !== 'wss:')) {
    throw new LockstepError(
      'E_OPTION',
      `${text} must be the coordinator's URL; for example ws://127.0.0.1:7070`,
    );
  }
  // Users who type a host alone do not mean port 80, the default of ws://, but the port of coordinators.
  if (withScheme !== text && !/:\d+$/.test(url.host) && !/:80(\/|$)/.test(text)) url.port = DEFAULT_PORT;
  const path = url.pathname === '/' ? ENDPOINT_PATH : url.pathname;
  return new URL(path, `${url.protocol}//${url.host}`);
}
