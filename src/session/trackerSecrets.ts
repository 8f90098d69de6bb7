/** What trackers are shown. It is stored nowhere. */

import type { ClearmlSecrets, MlflowSecrets } from '../watch/index.js';

export interface TrackerSecrets {
  readonly mlflow: MlflowSecrets;
  readonly clearml: ClearmlSecrets;
}
