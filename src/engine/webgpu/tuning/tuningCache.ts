/**
 * Remembers chosen tiles in a file of the user's cache folder, one for each device with its driver and the kernels'
 * version. No problem with it causes a failure: a file that cannot be read is treated as missing.
 */

import { createHash, randomUUID } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { isRecord } from '../../../foundation/isRecord.js';
import { TuningLock } from './tuningLock.js';
import type { TileNames } from './roundTiles.js';

/** Everything that the times of kernels depend on. */
export interface TuningEnvironment {
  readonly vendor: string;
  readonly architecture: string;
  readonly device: string;
  /** The driver's description of itself. */
  readonly description: string;
  readonly backend: string;
  readonly name: string;
  readonly kernels: string;
  readonly dawn: string;
}

const FORMAT = 1;
const MOST_BYTES = 4 * 1024 * 1024;

export class TuningCache {
  private readonly file: string;
  private readonly environment: string;

  constructor(
    private readonly folder: string,
    environment: TuningEnvironment,
  ) {
    this.environment = JSON.stringify(environment, Object.keys(environment).sort());
    const digest = createHash('sha256').update(this.environment).digest('hex').slice(0, 16);
    this.file = path.join(folder, `tiles-${digest}.json`);
  }

  /** Empty if there is no file, or none for this environment. */
  read(): TileNames {
    try {
      if (statSync(this.file).size > MOST_BYTES) return new Map();
      return namesIn(JSON.parse(readFileSync(this.file, 'utf8')), this.environment);
    } catch {
      return new Map();
    }
  }

  /**
   * Adds new entries. Existing ones stay, so the first to measure decides for all.
   * @returns whether it could be written
   */
  add(names: TileNames): boolean {
    const tiles = Object.fromEntries([...names, ...this.read()]);
    const text = JSON.stringify({ format: FORMAT, environment: this.environment, tiles }, undefined, 1);
    const temporary = `${this.file}.${randomUUID()}.tmp`;
    try {
      mkdirSync(this.folder, { recursive: true });
      writeFileSync(temporary, `${text}\n`);
      renameSync(temporary, this.file);
      return true;
    } catch {
      removeIfThere(temporary);
      return false;
    }
  }

  /** Held during a measurement. */
  lock(): TuningLock {
    return new TuningLock(`${this.file}.lock`);
  }
}

function removeIfThere(file: string): void {
  try {
    rmSync(file, { force: true });
  } catch {
    // It does not exist: its folder is missing, or cannot be written.
  }
}

function namesIn(content: unknown, environment: string): TileNames {
  if (!isRecord(content) || content['format'] !== FORMAT || content['environment'] !== environment) {
    return new Map();
  }
  const { tiles } = content;
  if (!isRecord(tiles)) return new Map();
  return new Map(
    Object.entries(tiles).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}
