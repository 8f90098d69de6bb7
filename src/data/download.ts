/** Downloads the official CIFAR-10 archive. Its files are put in place all together, or not at all. */

import { createReadStream } from 'node:fs';
import { mkdir, mkdtemp, rm, rmdir, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { describeError, LockstepError } from '../foundation/errors.js';
import { advice, OptionError } from '../foundation/options/optionError.js';
import { BATCH_FILES, BINARY_BATCH_BYTE_COUNT, BINARY_FOLDER, locateCifar10 } from './cifar10Layout.js';
import type { Cifar10Location } from './cifar10Layout.js';
import { fetchFile } from './fetchFile.js';
import type { FetchTimeouts } from './fetchFile.js';
import { brokenLinkAt, makeFolders } from './makeFolders.js';
import { placeFolder } from './placeFolder.js';
import { extractWanted } from './tarReader.js';
import type { WantedFile } from './tarReader.js';
import { verifyCifar10 } from './verify.js';

/** What is downloaded; tests use another. */
export interface Cifar10Archive {
  readonly url: string;
  readonly md5: string; // hex
  readonly byteCount: number;
  /** Of each of its six batches. */
  readonly batchByteCount: number;
}

/** https://www.cs.toronto.edu/~kriz/cifar.html, "CIFAR-10 binary version". */
export const OFFICIAL_ARCHIVE: Cifar10Archive = {
  url: 'https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz',
  md5: 'c32a1d4ab5d03f1284b67883e8d87530',
  byteCount: 170_052_171,
  batchByteCount: BINARY_BATCH_BYTE_COUNT,
};

const TIMEOUTS: FetchTimeouts = { connectMs: 10_000, stallMs: 30_000 };
const BATCH_NAMES = BATCH_FILES.binary.map(({ fileName }) => fileName);
const COMPANION_NAMES = ['batches.meta.txt', 'readme.html'];
const COMPANION_MAX_BYTE_COUNT = 100_000;

export type DownloadProgress =
  | {
      readonly phase: 'downloading';
      readonly receivedByteCount: number;
      readonly totalByteCount: number;
    }
  | { readonly phase: 'checking' }
  | { readonly phase: 'extracting' };

export interface DownloadOptions {
  /** The files go to `cifar-10-batches-bin` inside it. Created if missing. */
  readonly dataDir: string;
  readonly onProgress?: (progress: DownloadProgress) => void;
  /** Stops the download; nothing is left behind. */
  readonly signal?: AbortSignal;
  readonly archive?: Cifar10Archive;
  /** The proxy for an address, if any. */
  readonly proxyFor?: (url: URL) => URL | undefined;
  readonly timeouts?: FetchTimeouts;
}

export interface DownloadResult {
  readonly location: Cifar10Location;
  /** False: there was a usable copy already, which is unchanged. */
  readonly wasDownloaded: boolean;
  /** Where a damaged copy was moved to. */
  readonly movedAside?: string;
}

/**
 * Downloads and checks CIFAR-10, unless there is a usable copy. Works in a temporary folder beside the target, and
 * renames it when the set is complete and checked. A damaged copy is moved aside, not deleted.
 * @throws LockstepError E_DATA_DOWNLOAD if it cannot be downloaded or is not the official archive, E_IO if it cannot be
 * written. The target is then unchanged.
 */
export async function downloadCifar10(options: DownloadOptions): Promise<DownloadResult> {
  const existing = await usableCopy(options.dataDir);
  if (existing !== undefined) return { location: existing, wasDownloaded: false };
  const isTargetItself = basename(options.dataDir) === BINARY_FOLDER;
  const parent = isTargetItself ? dirname(options.dataDir) : options.dataDir;
  refuseBrokenLink(join(parent, BINARY_FOLDER));
  const archive = options.archive ?? OFFICIAL_ARCHIVE;
  const { workFolder, newFolder } = await makeWorkFolder(parent);
  try {
    const archivePath = join(workFolder, 'archive.tar.gz');
    await fetchArchive(archive, archivePath, options);
    const extracted = await extractArchive(archive, archivePath, workFolder, options);
    const placedMeanwhile = await usableCopy(parent); // by another download: a usable copy is never replaced
    if (placedMeanwhile !== undefined) return { location: placedMeanwhile, wasDownloaded: false };
    const folder = join(parent, BINARY_FOLDER);
    const movedAside = await placeFolder(extracted, folder);
    return {
      location: { folder, layout: 'binary' },
      wasDownloaded: true,
      ...(movedAside === undefined ? {} : { movedAside }),
    };
  } catch (error) {
    throw asDownloadError(error, options.signal);
  } finally {
    await rm(workFolder, { recursive: true, force: true });
    if (newFolder !== undefined) await removeWhereEmpty(parent, newFolder);
  }
}

const ANOTHER_FOLDER = advice('choose another folder with ', { option: 'dataDir' });

/** Checked first, to save a useless download. The link is the user's, so it is not moved aside. */
function refuseBrokenLink(path: string): void {
  const broken = brokenLinkAt(path);
  if (broken === undefined) return;
  throw new OptionError(
    [broken.message],
    [advice('make that folder available'), advice('remove the link'), ANOTHER_FOLDER],
    'E_IO',
  );
}

/** Removes the folder and its parents, up to the topmost that was made for it, if they are empty. */
async function removeWhereEmpty(folder: string, topmost: string): Promise<void> {
  try {
    for (let path = resolve(folder); ; path = dirname(path)) {
      await rmdir(path);
      if (path === resolve(topmost)) return;
    }
  } catch {
    // Not empty: it holds the data, if all went well.
  }
}

async function usableCopy(dataDir: string): Promise<Cifar10Location | undefined> {
  const location = await locateCifar10([dataDir]);
  if (location === undefined) return undefined;
  const { isUsable } = await verifyCifar10(location.folder);
  return isUsable ? location : undefined;
}

interface WorkFolder {
  readonly workFolder: string;
  /** The topmost parent that was made for it, if any. */
  readonly newFolder: string | undefined;
}

async function makeWorkFolder(parent: string): Promise<WorkFolder> {
  try {
    const newFolder = await makeFolders(parent);
    return { workFolder: await mkdtemp(join(parent, '.cifar10-download-')), newFolder };
  } catch (error) {
    throw new OptionError(
      [`${parent} cannot be written to (${describeError(error)})`],
      [ANOTHER_FOLDER],
      'E_IO',
      { cause: error },
    );
  }
}

async function fetchArchive(
  archive: Cifar10Archive,
  path: string,
  { onProgress, signal, timeouts, proxyFor }: DownloadOptions,
): Promise<void> {
  const { url, byteCount: totalByteCount } = archive;
  let fetched;
  try {
    fetched = await fetchFile({
      url,
      path,
      timeouts: timeouts ?? TIMEOUTS,
      maxByteCount: totalByteCount,
      onReceived: (receivedByteCount) =>
        onProgress?.({ phase: 'downloading', receivedByteCount, totalByteCount }),
      proxyFor,
      signal,
    });
  } catch (error) {
    if (signal?.aborted === true || isDiskError(error)) throw error;
    throw downloadError(`could not be fetched from ${url}: ${describeCause(error)}`, error);
  }
  onProgress?.({ phase: 'checking' });
  if (fetched.byteCount !== totalByteCount) {
    throw downloadError(`from ${url} has ${fetched.byteCount} bytes, but it must have ${totalByteCount}`);
  }
  if (fetched.md5 !== archive.md5) {
    throw downloadError(`from ${url} has the MD5 checksum ${fetched.md5}, but it must have ${archive.md5}`);
  }
}

async function extractArchive(
  archive: Cifar10Archive,
  archivePath: string,
  workFolder: string,
  { onProgress, signal }: DownloadOptions,
): Promise<string> {
  onProgress?.({ phase: 'extracting' });
  const folder = join(workFolder, BINARY_FOLDER);
  await mkdir(folder);
  const wanted = new Map<string, WantedFile>([
    ...BATCH_NAMES.map((name) => wantedFile(folder, name, archive.batchByteCount)),
    ...COMPANION_NAMES.map((name) => wantedFile(folder, name, COMPANION_MAX_BYTE_COUNT)),
  ]);
  try {
    await pipeline(
      createReadStream(archivePath),
      createGunzip(),
      async (chunks: AsyncIterable<Uint8Array>) => {
        await extractWanted(chunks, wanted);
      },
      signal === undefined ? {} : { signal },
    );
  } catch (error) {
    if (signal?.aborted === true || isDiskError(error)) throw error;
    throw downloadError(`cannot be unpacked: ${describeError(error)}`, error);
  }
  for (const name of BATCH_NAMES) await checkExtracted(join(folder, name), name, archive.batchByteCount);
  return folder;
}

function wantedFile(folder: string, name: string, maxByteCount: number): [string, WantedFile] {
  return [`${BINARY_FOLDER}/${name}`, { path: join(folder, name), maxByteCount }];
}

async function checkExtracted(path: string, name: string, byteCount: number): Promise<void> {
  const found = await stat(path).catch(() => undefined);
  if (found?.size === byteCount) return;
  throw downloadError(
    `holds ${found === undefined ? 'no' : `${found.size} bytes of`} ${name}, but it must hold ${byteCount} bytes of it`,
  );
}

function downloadError(problem: string, cause?: unknown): LockstepError {
  return new OptionError(
    [`the CIFAR-10 archive ${problem}; nothing was changed`],
    [
      advice('try again'),
      advice(`put ${BINARY_FOLDER} into `, { option: 'dataDir' }, ' yourself'),
      advice('train without it: ', { option: 'dataset', value: 'synthetic' }),
    ],
    'E_DATA_DOWNLOAD',
    { cause },
  );
}

/** For a host with several addresses Node bundles the errors, without a message. */
function describeCause(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(describeError).join(', ');
  return describeError(error);
}

const DISK_ERROR_CODES = ['ENOSPC', 'EDQUOT', 'EROFS', 'EACCES', 'EPERM', 'EIO', 'EFBIG'];

function isDiskError(error: unknown): boolean {
  const { code, syscall } = error as NodeJS.ErrnoException;
  return code !== undefined && syscall !== 'connect' && DISK_ERROR_CODES.includes(code);
}

function asDownloadError(error: unknown, signal: AbortSignal | undefined): LockstepError {
  if (error instanceof LockstepError) return error;
  if (signal?.aborted === true) return downloadError('was not fetched: the download was interrupted', error);
  return new OptionError(
    [`CIFAR-10 could not be written (${describeError(error)})`],
    [advice('free some space: it needs 360 MB while it is unpacked'), ANOTHER_FOLDER],
    'E_IO',
    { cause: error },
  );
}
