/** Where CIFAR-10 is: what the flag says, else LOCKSTEP_DATA_DIR, else what the run remembers, else the default. */

import path from 'node:path';
import { fromEnvironment } from './environment.js';
import { readRunConfig } from './readRunConfig.js';
import { RUN_SETTINGS } from './settings.js';
import { parseJsonValue } from './values.js';

/** If no flag and no run says it. */
export function defaultDataDir(): string {
  return dataDirOfEnvironment() ?? String(RUN_SETTINGS.dataDir.default);
}

export function dataDirOfEnvironment(): string | undefined {
  return fromEnvironment(RUN_SETTINGS.dataDir);
}

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

/** What a command that continues a run must repeat, for else the environment would win over what the run remembers. */
export function dataDirArguments({
  dataDir,
  given,
}: {
  readonly dataDir: string;
  readonly given: ReadonlySet<string>;
}): readonly string[] {
  const other = dataDirOfEnvironment();
  const isOverruled = other !== undefined && path.resolve(other) !== path.resolve(dataDir);
  return given.has('dataDir') && isOverruled ? ['--data-dir', dataDir] : [];
}
