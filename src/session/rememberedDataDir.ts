/** Where the data of a run were. */

import { RUN_SETTINGS } from './options/settings.js';
import { parseJsonValue } from './options/values.js';
import { readRunConfig } from './readRunConfig.js';

/**
 * What a run remembers of it, if it remembers any.
 * @throws LockstepError E_OPTION for a value that no flag could have
 */
export async function rememberedDataDir(runDir: string): Promise<string | undefined> {
  const { file, content } = await readRunConfig(runDir);
  const raw = content['dataDir'] ?? null;
  if (raw === null) return undefined;
  const { kind, example } = RUN_SETTINGS.dataDir;
  return String(parseJsonValue({ key: 'dataDir', file }, raw, kind, example));
}
