/** What trackers are shown, from the variables that their own clients read. Nothing else knows it. */

import type { TrackerSecrets } from '../../session/index.js';
import { fromEnvironment } from './environment.js';

export function trackerSecrets(): TrackerSecrets {
  const variable = (environment: string): string | undefined => fromEnvironment({ environment });
  return {
    mlflow: {
      token: variable('MLFLOW_TRACKING_TOKEN'),
      user: variable('MLFLOW_TRACKING_USERNAME'),
      password: variable('MLFLOW_TRACKING_PASSWORD'),
    },
    clearml: {
      accessKey: variable('CLEARML_API_ACCESS_KEY'),
      secretKey: variable('CLEARML_API_SECRET_KEY'),
    },
  };
}
