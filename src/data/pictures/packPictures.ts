/** Decodes the pictures of one part of a folder into a packed file, or opens the one that was made before. */

import { createHash, randomBytes } from 'node:crypto';
import { readdir, rename, rm, stat, statfs } from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { describeError, LockstepError } from '../../foundation/errors.js';
import { isRunning } from '../../foundation/isRunning.js';
import { imageByteCount } from '../imageSet.js';
import { makeFolders } from '../makeFolders.js';
import { decodeFiles } from './decodeFiles.js';
import type { PictureShape } from './decodePicture.js';
import { PackedSet, PackWriter } from './packFile.js';
import type { BadPicture } from './pictureFault.js';
import type { PictureListing } from './pictureFiles.js';

/** Another one makes all packed files anew: raise it when the same files would give other pixels. */
const DECODER_VERSION = 1;
const BLOCK_SIZE_UNKNOWN = 0;

export interface DecodingProgress {
  /** As in "decoding the training pictures". */
  readonly what: string;
  readonly done: number;
  readonly total: number;
}

export interface PackOptions {
  readonly name: string;
  /** Where the listed paths begin. */
  readonly folder: string;
  readonly listing: PictureListing;
  readonly classNames: readonly string[];
  readonly shape: PictureShape;
  /** The packed file. */
  readonly file: string;
  readonly what: string;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: DecodingProgress) => void) | undefined;
}

/** @throws LockstepError E_IO for a disk that is full or not writable, E_SETUP without `sharp`; the signal's reason */
export async function packPictures(options: PackOptions): Promise<PackedSet> {
  const { name, file, signal } = options;
  const sourceSha256 = digestOfSource(options);
  const known = PackedSet.open(name, file);
  if (known?.description.sourceSha256 === sourceSha256 && (await known.isIntact(signal))) return known;
  known?.close();
  await removeAbandoned(file);
  const made = `${file}.${process.pid}-${HOST}-${randomBytes(4).toString('hex')}.part`;
  try {
    await makeFolders(dirname(file));
    await refuseFullDisk(options);
    await writePack(made, sourceSha256, options);
    await rename(made, file);
  } catch (error) {
    await rm(made, { force: true }).catch(() => undefined);
    throw error instanceof LockstepError || signal?.aborted === true ? error : notWritten(file, error);
  }
  const set = PackedSet.open(name, file);
  if (set !== undefined && (await set.isIntact(signal))) return set;
  throw notWritten(file, new Error('what was written cannot be read back'));
}

/** Names, sizes and times of the files, and what is made of them. */
function digestOfSource({ listing, classNames, shape }: PackOptions): string {
  const hash = createHash('sha256');
  hash.update(JSON.stringify({ DECODER_VERSION, shape, classNames, bad: listing.bad }));
  for (const file of listing.files) hash.update(`\n${JSON.stringify(Object.values(file))}`);
  return hash.digest('hex');
}

async function writePack(made: string, sourceSha256: string, options: PackOptions): Promise<void> {
  const { folder, listing, classNames, shape, what, signal, onProgress } = options;
  const { files } = listing;
  const bad: BadPicture[] = [...listing.bad];
  const writer = await PackWriter.create(made);
  try {
    const paths = files.map(({ path }) => join(folder, path));
    let done = 0;
    for await (const block of decodeFiles({ paths, shape, signal })) {
      const pixels: Uint8Array[] = [];
      const labels: number[] = [];
      for (const picture of block) {
        const { path, label } = files[done++]!;
        if ('fault' in picture) {
          bad.push({ path, ...picture });
        } else {
          pixels.push(picture.pixels);
          labels.push(label);
        }
      }
      await writer.append(Buffer.concat(pixels), labels);
      onProgress?.({ what, done, total: files.length });
    }
    const { height, width, channels } = shape;
    const description = {
      sourceSha256,
      imageShape: { height, width, channels },
      classNames: [...classNames],
      bad,
    };
    await writer.finish(description);
  } finally {
    await writer.close();
  }
}

/** What a process left that was killed. */
async function removeAbandoned(file: string): Promise<void> {
  const names = await readdir(dirname(file)).catch(() => []);
  for (const name of names) {
    const found = name.startsWith(`${basename(file)}.`) ? PART.exec(name) : null;
    if (found === null) continue;
    const part = join(dirname(file), name);
    const [, pid, host = HOST] = found;
    if (host === HOST ? isRunning(Number(pid)) : await isStillWritten(part)) continue;
    await rm(part, { force: true }).catch(() => undefined);
  }
}

/** Its process, and where that ran: the processes of another host or container are not seen here. */
const PART = /\.(\d+)(?:-([\da-f]{8})-[\da-f]{8})?\.part$/;
const HOST = createHash('sha256').update(hostname()).digest('hex').slice(0, 8);

/** Pictures are added every few seconds. */
const ABANDONED_AFTER_MS = 3_600_000;

async function isStillWritten(part: string): Promise<boolean> {
  const { mtimeMs } = await stat(part).catch(() => ({ mtimeMs: 0 }));
  // eslint-disable-next-line no-restricted-globals -- decides what is left over, never what an image is
  return Date.now() - mtimeMs < ABANDONED_AFTER_MS;
}

/** Before hours of decoding, rather than after them. */
async function refuseFullDisk({ file, listing, shape }: PackOptions): Promise<void> {
  const needed = listing.files.length * (imageByteCount(shape) + 1);
  const { bavail, bsize } = await statfs(dirname(file));
  if (bsize === BLOCK_SIZE_UNKNOWN || bavail * bsize > needed) return;
  const [free, taken] = sizesThatDiffer(bavail * bsize, needed);
  throw new LockstepError(
    'E_IO',
    `${dirname(file)} has ${free} free, and the decoded pictures take ${taken}; ${ELSEWHERE}`,
  );
}

const ANOTHER = 'name another folder in LOCKSTEP_CACHE_DIR';
const ELSEWHERE = `free some disk space, or ${ANOTHER}`;

/** With as many digits as it takes to see that they differ. */
export function sizesThatDiffer(one: number, other: number): readonly [string, string] {
  const digits = [0, 1, 2, 3, 4, 5].find((each) => megabytes(one, each) !== megabytes(other, each)) ?? 6;
  return [megabytes(one, digits), megabytes(other, digits)];
}

function megabytes(byteCount: number, digits: number): string {
  const fraction = { minimumFractionDigits: digits, maximumFractionDigits: digits };
  return `${(byteCount / 1e6).toLocaleString('en-US', fraction)} MB`;
}

/** @param place the file or folder in the cache folder */
export function notWritten(place: string, error: unknown): LockstepError {
  return new LockstepError(
    'E_IO',
    `the decoded pictures cannot be kept in ${place}: ${describeError(error)}; ${remedyFor(error)}`,
    { cause: error },
  );
}

function remedyFor(error: unknown): string {
  switch ((error as NodeJS.ErrnoException | undefined)?.code) {
    case 'EACCES':
    case 'EPERM':
      return `make the folder writable for this user, or ${ANOTHER}`;
    case 'EROFS':
      return `its file system is read-only: ${ANOTHER}`;
    case 'ENOSPC':
    case 'EDQUOT':
      return ELSEWHERE;
    default:
      return `check the path and the disk, or ${ANOTHER}`;
  }
}
