/** What the recorders of a run are given. */

import type { Recipe } from '../coordinator/index.js';
import type { Closer } from './cleanup.js';
import type { SessionContext, Settings } from './sessionOptions.js';

export interface Recorded {
  readonly recipe: Recipe;
  readonly settings: Settings;
  readonly context: SessionContext;
  readonly closers: Closer[];
}
