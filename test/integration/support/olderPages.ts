/** A server before the coordinator's, whose first pages are of another version; then it is updated. */

import { LOCKSTEP_VERSION } from '../../../src/protocol/index.js';
import { changedPages } from './changedPages.js';
import type { ChangedPages } from './changedPages.js';

const OTHER_VERSION = '0.0.0';

export interface OlderPages extends ChangedPages {
  /** How often a page was loaded. */
  readonly pagesServed: () => number;
}

/** @param port of the coordinator */
export async function olderPages(port: number, olderCount: number): Promise<OlderPages> {
  let pagesServed = 0;
  const pages = await changedPages(port, (path) => {
    if (path === '/join') pagesServed++;
    return pagesServed <= olderCount ? asOther : undefined;
  });
  return { ...pages, pagesServed: () => pagesServed };
}

const asOther = (text: string): string => text.replaceAll(LOCKSTEP_VERSION, OTHER_VERSION);
