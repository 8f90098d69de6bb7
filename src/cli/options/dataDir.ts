/** Where CIFAR-10 is: what the flag says, else LOCKSTEP_DATA_DIR, else what the run remembers, else the default. */

import path from 'node:path';
import type { CommandOptions } from '../../foundation/commandLine.js';
import { fromEnvironment } from './environment.js';
import { RUN_SETTINGS } from '../../session/index.js';

/** If no flag and no run says it. */
export function defaultDataDir(): string {
  return dataDirOfEnvironment() ?? String(RUN_SETTINGS.dataDir.default);
}

export const DATA_DIR_VARIABLE = RUN_SETTINGS.dataDir.environment;

export function dataDirOfEnvironment(): string | undefined {
  return fromEnvironment(RUN_SETTINGS.dataDir);
}

/** What a command that continues a run must repeat, for else the environment would win over what the run remembers. */
export function dataDirArguments({
  dataDir,
  given,
}: {
  readonly dataDir: string;
  readonly given: ReadonlySet<string>;
}): CommandOptions {
  const other = dataDirOfEnvironment();
  const isOverruled = other !== undefined && path.resolve(other) !== path.resolve(dataDir);
  return given.has('dataDir') && isOverruled ? { dataDir } : {};
}
