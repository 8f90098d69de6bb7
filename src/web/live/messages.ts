/** What the page says of itself: why it shows nothing, or asks to log in. */

import { ProxyAnswer, Refused } from './api.js';

export const STARTED_AGAIN = 'the coordinator was started again with another secret; log in again';
export const LOG_IN_ENDED = 'your log-in has ended; log in again';

export function wordsFor(error: unknown): string {
  if (error instanceof Refused) return error.message;
  if (error instanceof ProxyAnswer) return `${error.message}; trying again`;
  return error instanceof TypeError ? 'the server does not answer; trying again' : String(error);
}
