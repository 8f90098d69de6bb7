/** Lists the pictures of one part of a folder. */

import { lstat, readdir, realpath, stat } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { describeError } from '../../foundation/errors.js';
import type { BadPicture } from './pictureFault.js';

export interface PictureFile {
  /** With `/` between folders, from the folder of the part: `cat/a.png`. */
  readonly path: string;
  readonly label: number;
  readonly byteCount: number;
  readonly modifiedMs: number;
}

export interface PictureListing {
  /** By the path within their class, then by class. */
  readonly files: readonly PictureFile[];
  /** Links that lead out of the folder, or to a folder; folders that cannot be read. */
  readonly bad: readonly BadPicture[];
  /** Files of other kinds, by the ends of their names. */
  readonly ignored: ReadonlyMap<string, IgnoredFiles>;
}

export interface IgnoredFiles {
  readonly count: number;
  /** The path of the first, as of a picture. */
  readonly first: string;
}

const EXTENSIONS = ['.png', '.jpg', '.jpeg', '.webp'];
/** Asked for at a time: more does not make a disk faster. */
const STATS_AT_ONCE = 256;
const DEEPEST = 16;

export function isPictureName(name: string): boolean {
  return EXTENSIONS.some((extension) => name.toLowerCase().endsWith(extension)) && !name.startsWith('.');
}

/** What zip programs of macOS put beside the folders that were packed. */
export function isForeignFolder(name: string): boolean {
  return name === '__MACOSX';
}

/**
 * @param root links may lead within it only
 * @param folder of the part
 */
export async function listPictures(
  root: string,
  folder: string,
  classNames: readonly string[],
): Promise<PictureListing> {
  const walk = new Walk(root, folder);
  for (const [label, name] of classNames.entries()) await walk.enter([name], label);
  await walk.refuseLinkedClasses();
  const { files, bad, ignored } = walk;
  files.sort((a, b) => compare(withinClass(a), withinClass(b)) || a.label - b.label);
  return { files, bad, ignored };
}

/** Images of several classes that are numbered together keep their order, whatever their class. */
function withinClass({ path }: PictureFile): string {
  return path.slice(path.indexOf('/') + 1);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

class Walk {
  readonly files: PictureFile[] = [];
  readonly bad: BadPicture[] = [];
  readonly ignored = new Map<string, IgnoredFiles>();

  constructor(
    private readonly root: string,
    private readonly folder: string,
  ) {}

  /** @param place the folder's names, from the part's folder on */
  async enter(place: readonly string[], label: number): Promise<void> {
    const folder = join(this.folder, ...place);
    if (place.length > DEEPEST) return this.refuse(place, `lies more than ${DEEPEST} folders deep`);
    const entries = await readdir(folder, { withFileTypes: true }).catch((error: unknown) => {
      // A class that this part does not have.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') this.refuseFolder(place, error);
      return [];
    });
    const visible = entries.filter(({ name }) => !name.startsWith('.'));
    visible.sort((a, b) => compare(a.name, b.name));
    const names: string[] = [];
    for (const entry of visible) {
      if (entry.isDirectory()) {
        if (!isForeignFolder(entry.name)) await this.enter([...place, entry.name], label);
      } else if (entry.isSymbolicLink()) await this.follow([...place, entry.name], label);
      else if (isPictureName(entry.name)) names.push(entry.name);
      else this.ignore([...place, entry.name]);
    }
    for (let from = 0; from < names.length; from += STATS_AT_ONCE) {
      const some = names.slice(from, from + STATS_AT_ONCE);
      await Promise.all(some.map((name) => this.add([...place, name], label)));
    }
  }

  /** A class that is a link is not among the folders: it would be missed without a word. */
  async refuseLinkedClasses(): Promise<void> {
    for (const entry of await readdir(this.folder, { withFileTypes: true })) {
      if (!entry.isSymbolicLink()) continue;
      const isFolder = await stat(join(this.folder, entry.name)).then(
        (found) => found.isDirectory(),
        () => false,
      );
      if (isFolder) this.refuse([entry.name], 'is a link to a folder, which is not followed');
    }
  }

  private async follow(place: readonly string[], label: number): Promise<void> {
    let target: string;
    let isFolder: boolean;
    try {
      target = await realpath(join(this.folder, ...place));
      isFolder = (await stat(target)).isDirectory();
    } catch {
      return this.refuse(place, 'is a link to nothing');
    }
    if (isFolder) return this.refuse(place, 'is a link to a folder, which is not followed');
    if (!isPictureName(place.at(-1)!)) return this.ignore(place);
    if (!target.startsWith(this.root + sep)) return this.refuse(place, 'is a link out of the folder');
    await this.add(place, label);
  }

  private async add(place: readonly string[], label: number): Promise<void> {
    const file = join(this.folder, ...place);
    const { size, mtimeMs } = await stat(file).catch(() => lstat(file)); // what is wrong is found when it is decoded
    this.files.push({ path: place.join('/'), label, byteCount: size, modifiedMs: mtimeMs });
  }

  /** Counts as one unused file, because its contents are unknown. */
  private refuseFolder(place: readonly string[], error: unknown): void {
    const problem = `is a folder that cannot be read (${describeError(error)})`;
    this.bad.push({ path: place.join('/'), fault: 'unreadable', problem });
  }

  private refuse(place: readonly string[], problem: string): void {
    this.bad.push({ path: place.join('/'), fault: 'link', problem });
  }

  private ignore(place: readonly string[]): void {
    const extension = /\.[^.]{1,10}$/.exec(place.at(-1)!)?.[0].toLowerCase() ?? 'no ending';
    const { count, first } = this.ignored.get(extension) ?? { count: 0, first: place.join('/') };
    this.ignored.set(extension, { count: count + 1, first });
  }
}
