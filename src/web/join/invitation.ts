/** What the address says behind its `#`: the token, and whether to begin at once. Servers never see that part. */

import { keep, kept } from '../tabStorage.js';

export interface Invitation {
  readonly token: string | undefined;
  /** Only with a token: a page of another site can open any address, but does not know it. */
  readonly startsAtOnce: boolean;
}

const TOKEN_KEY = 'lockstep-token';

/** Takes the token out of the address bar, and so out of the history; a reload finds it in the tab's own storage. */
export function takeInvitation(): Invitation {
  const parameters = new URLSearchParams(location.hash.slice(1));
  const given = parameters.get('token');
  if (location.hash !== '') history.replaceState(null, '', location.pathname + location.search);
  if (given !== null) keep(TOKEN_KEY, given);
  const token = given ?? kept(TOKEN_KEY);
  const startsAtOnce = parameters.get('start') === '1' && (given ?? '') !== '';
  return { token: token === '' ? undefined : token, startsAtOnce };
}
