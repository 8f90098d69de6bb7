/** Checks the CIFAR-10 files of a folder. For the `data` command only: it opens the test file, too. */

import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describeError, LockstepError } from '../foundation/errors.js';
import { parseBatch, readBatchFile } from './cifar10.js';
import { BATCH_FILES, CIFAR10_FORMAT, findCifar10 } from './cifar10Layout.js';
import type { BatchFile, Cifar10Location } from './cifar10Layout.js';
import { countLabels } from './imageSet.js';

export interface FileChecksum {
  readonly algorithm: 'md5' | 'sha1';
  readonly hex: string;
  /** `unknown`: no checksum was published. */
  readonly verdict: 'official' | 'different' | 'unknown';
}

interface FileReportBase {
  readonly fileName: string;
  readonly part: 'training' | 'test';
}

export type FileReport =
  | (FileReportBase & { readonly status: 'missing'; readonly problem: string })
  | (FileReportBase & {
      readonly status: 'damaged';
      readonly problem: string;
      readonly byteCount: number;
      /** Missing if the size is wrong: the file is then not read. */
      readonly checksum?: FileChecksum;
    })
  | (FileReportBase & {
      readonly status: 'usable';
      readonly byteCount: number;
      readonly checksum: FileChecksum;
      /** Images per class, by label. */
      readonly classCounts: readonly number[];
    });

export interface Cifar10Report extends Cifar10Location {
  readonly files: readonly FileReport[];
  /** All six batches can be loaded; their checksums may still differ from the published ones. */
  readonly isUsable: boolean;
  /** All five training batches are identical to the published ones. */
  readonly isOfficialTraining: boolean;
}

/** @throws LockstepError E_DATA_MISSING if the folder holds no batch at all; E_IO if a file cannot be read. */
export async function verifyCifar10(dataDir: string): Promise<Cifar10Report> {
  const location = await findCifar10(dataDir);
  const files: FileReport[] = [];
  for (const file of BATCH_FILES[location.layout]) files.push(await inspectFile(location, file));
  return {
    ...location,
    files,
    isUsable: files.every(({ status }) => status === 'usable'),
    isOfficialTraining: files.every(
      (file) => file.part === 'test' || (file.status !== 'missing' && file.checksum?.verdict === 'official'),
    ),
  };
}

async function inspectFile(location: Cifar10Location, file: BatchFile): Promise<FileReport> {
  const { fileName, part } = file;
  let bytes: Uint8Array;
  try {
    bytes = await readBatchFile(location, fileName);
  } catch (error) {
    return await unreadableReport(location, file, error);
  }
  const found = { fileName, part, byteCount: bytes.length, checksum: checksumOf(bytes, file) };
  try {
    const { labels } = parseBatch(location, fileName, bytes);
    return { ...found, status: 'usable', classCounts: countLabels(labels, CIFAR10_FORMAT.classNames.length) };
  } catch (error) {
    return { ...found, status: 'damaged', problem: describeError(error) };
  }
}

/** @throws the error, if it is neither about a missing file nor about a wrong size */
async function unreadableReport(
  { folder }: Cifar10Location,
  { fileName, part }: BatchFile,
  error: unknown,
): Promise<FileReport> {
  if (!(error instanceof LockstepError)) throw error;
  const { code, message: problem } = error;
  if (code === 'E_DATA_MISSING') return { fileName, part, status: 'missing', problem };
  if (code !== 'E_DATA_CORRUPT') throw error;
  const { size: byteCount } = await stat(join(folder, fileName));
  return { fileName, part, status: 'damaged', problem, byteCount };
}

function checksumOf(bytes: Uint8Array, { checksum: known }: BatchFile): FileChecksum {
  const algorithm = known?.algorithm ?? 'sha1';
  const hex = createHash(algorithm).update(bytes).digest('hex');
  if (known === undefined) return { algorithm, hex, verdict: 'unknown' };
  return { algorithm, hex, verdict: hex === known.hex ? 'official' : 'different' };
}
