/** The config.json of a run, for a command that needs but a few of its values. */

import path from 'node:path';
import { checkJsonSize } from '../coordinator/index.js';
import { readRegularFile } from '../data/index.js';
import { isRecord } from '../foundation/isRecord.js';

export interface RunConfigFile {
  readonly file: string;
  /** Empty if there is none, or it cannot be read: resuming has its own to say of that. */
  readonly content: Readonly<Record<string, unknown>>;
}

export async function readRunConfig(runDir: string): Promise<RunConfigFile> {
  const file = path.join(runDir, 'config.json');
  try {
    const content: unknown = JSON.parse((await readRegularFile(file, checkJsonSize)).toString());
    return { file, content: isRecord(content) ? content : {} };
  } catch {
    return { file, content: {} };
  }
}
