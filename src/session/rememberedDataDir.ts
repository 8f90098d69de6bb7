/** The folder of CIFAR-10 that a run remembers. */

import { RUN_SETTINGS } from './options/settings.js';
import { parseJsonValue } from './options/values.js';
import { readRunConfig } from './readRunConfig.js';

/**
 * Undefined if the run remembers none.
 * @throws LockstepError E_OPTION for a value that no option could have
 */
export async function rememberedDataDir(runDir: string): Promise<string | undefined> {
  const { file, content } = await readRunConfig(runDir);
  const raw = content['dataDir'] ?? null;
  if (raw === null) return undefined;
  const { kind, example } = RUN_SETTINGS.dataDir;
  return String(parseJsonValue({ key: 'dataDir', file }, raw, kind, example));
}
