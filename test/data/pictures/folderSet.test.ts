import { existsSync, readdirSync } from 'node:fs';
import { cp, link, mkdir, open, readFile, rm, symlink, truncate, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { loadFolder, loadFolderTest } from '../../../src/data/pictures/folderSet.js';
import type { FolderOptions } from '../../../src/data/pictures/folderSet.js';
import type { ImageSet } from '../../../src/data/imageSet.js';
import { LockstepError } from '../../../src/foundation/errors.js';
import { temporaryFolder } from '../cifar10Fixtures.js';
import { pngFile } from './pngFile.js';

let dir: string;
let cacheFolder: string;

beforeEach(async () => {
  const folder = await temporaryFolder();
  dir = join(folder, 'pictures');
  cacheFolder = join(folder, 'cache');
});

const options = (changes: Partial<FolderOptions> = {}): FolderOptions => ({
  ...{ dir, cacheFolder, badImages: 'refuse', shape: { height: 8, width: 8, channels: 3 } },
  ...changes,
});

/** A picture of one value, 8x8. */
const picture = (value: number): Buffer =>
  pngFile({ width: 8, height: 8, channels: 3, pixels: new Uint8Array(192).fill(value) });

async function put(place: string, content: Buffer = picture(1)): Promise<string> {
  const file = join(dir, place);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, content);
  return file;
}

async function putAll(...places: string[]): Promise<void> {
  for (const [value, place] of places.entries()) await put(place, picture(value));
}

/** [label, value] of each image. */
function contentOf(set: ImageSet): number[][] {
  const pixels = new Uint8Array(192);
  return Array.from({ length: set.sampleCount }, (_, index) => {
    const label = set.read(index, pixels, 0);
    expect(set.labelOf(index)).toBe(label);
    expect(new Set(pixels).size).toBe(1);
    return [label, pixels[0]!];
  });
}

async function errorOf(changes: Partial<FolderOptions> = {}): Promise<LockstepError> {
  const error: unknown = await loadFolder(options(changes)).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(LockstepError);
  return error as LockstepError;
}

describe('a folder of pictures', () => {
  it('has the classes in the order of their names, and the images in that of theirs', async () => {
    await putAll('dog/2.png', 'cat/3.PNG', 'dog/1.png', 'cat/a/0.png', 'cat/1.png', 'cat/.hidden.png');
    await put('dog/notes.txt', Buffer.from('x'));
    await put('dog/old.gif', Buffer.from('x'));
    const notices: string[] = [];
    const { training, validationCount, hasTest } = await loadFolder(
      options({ onNotice: (message) => notices.push(message) }),
    );
    expect(training.classNames).toEqual(['cat', 'dog']);
    expect(contentOf(training)).toEqual([
      [0, 4],
      [1, 2],
      [1, 0],
      [0, 1],
      [0, 3],
    ]);
    expect({ validationCount, hasTest }).toEqual({ validationCount: undefined, hasTest: false });
    expect(notices).toEqual([`${dir}: files that are no PNG, JPEG or WebP are left out: 1 .gif, 1 .txt`]);
  });

  it('has its own validation and test images', async () => {
    await putAll('train/a/0.png', 'train/b/1.png', 'val/b/2.png', 'test/a/3.png', 'more/c/4.png');
    const notices: string[] = [];
    const { training, validationCount, hasTest } = await loadFolder(
      options({ onNotice: (message) => notices.push(message) }),
    );
    expect(contentOf(training)).toEqual([
      [0, 0],
      [1, 1],
      [1, 2],
    ]);
    expect({ validationCount, hasTest }).toEqual({ validationCount: 1, hasTest: true });
    expect(notices.join()).toContain('these folders are not: more');
    expect(readdirSync(join(cacheFolder, 'pictures')).some((name) => name.startsWith('test-'))).toBe(false);
    expect(contentOf(await loadFolderTest(options()))).toEqual([[0, 3]]);
  });

  it('knows the file of each test image, past those that are skipped', async () => {
    await putAll('train/a/1.png', 'train/b/2.png', 'test/b/5.png', 'test/a/3.png', 'test/a/deep/4.png');
    await put('test/a/4.png', Buffer.from('no picture'));
    const set = await loadFolderTest(options({ badImages: 'skip' }));
    const files = ['test/a/3.png', 'test/b/5.png', 'test/a/deep/4.png'];
    expect(files.map((_, index) => set.fileOf?.(index))).toEqual(files);
    expect(contentOf(set).map(([, value]) => value)).toEqual([3, 2, 4]);
    const again = await loadFolderTest(options({ badImages: 'skip' })); // from the packed file
    expect(files.map((_, index) => again.fileOf?.(index))).toEqual(files);
  });

  it('tells of pictures, hidden folders and those of a zip program beside the classes', async () => {
    await putAll('train/a/0.png', 'train/b/1.png', 'train/loose.png', 'val/a/2.png', 'val/b/3.png');
    await putAll('loose.jpg', '__MACOSX/a/0.png', '.thumbnails/0.png', 'val/__MACOSX/b/0.png', '.hidden.png');
    const notices: string[] = [];
    const { training } = await loadFolder(options({ onNotice: (message) => notices.push(message) }));
    expect(training.classNames).toEqual(['a', 'b']);
    expect(notices).toEqual([
      expect.stringContaining(`${dir}: 1 picture beside the class folders left out: loose.jpg; `),
      expect.stringContaining(
        `${dir}: hidden folders and those of a zip program are left out: .thumbnails, __MACOSX`,
      ),
      expect.stringContaining(
        `${join(dir, 'train')}: 1 picture beside the class folders left out: loose.png; `,
      ),
      expect.stringContaining(`${join(dir, 'val')}: hidden folders`),
    ]);
  });

  it('has classes called val and test within train', async () => {
    await putAll('train/test/0.png', 'train/val/1.png');
    const { training } = await loadFolder(options());
    expect(training.classNames).toEqual(['test', 'val']);
    await expect(loadFolderTest(options())).rejects.toThrow(`put them into ${join(dir, 'test')}`);
  });

  it('without a test part says where test pictures belong', async () => {
    await putAll('a/0.png', 'b/1.png');
    await expect(loadFolderTest(options())).rejects.toMatchObject({
      code: 'E_DATA_MISSING',
      message: `${dir} has no test pictures; move the classes into ${join(dir, 'train')}, and put test pictures into ${join(dir, 'test')}, one folder a class`,
    });
  });

  it('may have any names', async () => {
    await putAll('klasse mit leer/ä ö.png', '图/🙂.png', 'it\'s/a\'b "c".png', '-x/\u001b[31m.png');
    const { training } = await loadFolder(options());
    expect(training.classNames).toEqual(['-x', "it's", 'klasse mit leer', '图']);
    expect(training.sampleCount).toBe(4);
  });

  it('is decoded on several threads in the same order', async () => {
    const places = Array.from(
      { length: 200 },
      (_, index) => `${index % 2}/${String(index).padStart(3, '0')}.png`,
    );
    await putAll(...places);
    const progress: number[] = [];
    const { training } = await loadFolder(options({ onProgress: ({ done }) => progress.push(done) }));
    expect(contentOf(training)).toEqual(places.map((_, index) => [index % 2, index]));
    expect(progress).toEqual([64, 128, 192, 200]);
  });
});

describe('the packed file', () => {
  const packs = (): string[] => readdirSync(join(cacheFolder, 'pictures'));
  const packed = (): string => join(cacheFolder, 'pictures', packs()[0]!);
  /** Whether opening decodes. */
  async function decodes(changes: Partial<FolderOptions> = {}): Promise<boolean> {
    let decoded = false;
    await loadFolder(options({ ...changes, onProgress: () => (decoded = true) }));
    return decoded;
  }

  beforeEach(async () => {
    await putAll('a/0.png', 'b/1.png', 'b/2.png');
  });

  it('is made once for a folder and a size, and is the only file left', async () => {
    expect(await decodes()).toBe(true);
    expect(await decodes()).toBe(false);
    expect(packs()).toHaveLength(1);
    expect(await decodes({ shape: { height: 16, width: 16, channels: 1 } })).toBe(true);
    expect(packs()).toHaveLength(2);
  });

  it('is made by several at the same time without harm', async () => {
    await putAll('cat/1.png', 'cat/2.png', 'dog/1.png');
    const loaded = await Promise.all([1, 2, 3].map(() => loadFolder(options())));
    const contents = loaded.map(({ training }) => contentOf(training));
    expect(contents).toEqual(contents.map(() => contentOf(loaded[0]!.training)));
    expect(
      readdirSync(cacheFolder, { recursive: true }).filter((name) => String(name).endsWith('.part')),
    ).toEqual([]);
  });

  it('is made anew if a file is changed, added, removed or renamed', async () => {
    await decodes();
    const changed = await put('b/2.png', picture(9));
    await utimes(changed, 1, 1);
    expect(await decodes()).toBe(true);
    const added = await put('a/3.png');
    expect(await decodes()).toBe(true);
    await rm(added);
    expect(await decodes()).toBe(true);
    await cp(changed, join(dir, 'b/7.png'), { preserveTimestamps: true });
    await rm(changed);
    expect(await decodes()).toBe(true);
    expect(await decodes()).toBe(false);
    expect(packs()).toHaveLength(1);
  });

  it('is made anew if it is damaged anywhere', async () => {
    await decodes();
    const whole = await readFile(packed());
    for (const at of [0, 3 * 192, 3 * 192 + 5, whole.length - 60, whole.length - 40, whole.length - 5]) {
      const damaged = Buffer.from(whole);
      damaged[at]! ^= 1;
      await writeFile(packed(), damaged);
      expect(await decodes()).toBe(true);
      expect((await readFile(packed())).equals(whole)).toBe(true);
    }
    await truncate(packed(), 100);
    expect(await decodes()).toBe(true);
  });

  it('keeps a set readable that was opened before it was replaced', async () => {
    const { training } = await loadFolder(options());
    const before = contentOf(training);
    await put('a/4.png', picture(7));
    await loadFolder(options());
    expect(contentOf(training)).toEqual(before);
  });

  it('says so if it cannot be kept, and leaves nothing behind', async () => {
    await mkdir(dirname(cacheFolder), { recursive: true });
    await writeFile(cacheFolder, 'a file is in the way');
    expect(await errorOf()).toMatchObject({
      code: 'E_IO',
      message: expect.stringContaining('LOCKSTEP_CACHE_DIR') as string,
    });
  });

  it('is not left half done if the loading is stopped', async () => {
    const controller = new AbortController();
    const stopped = new Error('stopped');
    const loading = loadFolder(
      options({ signal: controller.signal, onProgress: () => controller.abort(stopped) }),
    );
    await put('a/0.png');
    await expect(loading.then(() => loadFolder(options({ signal: controller.signal })))).rejects.toBe(
      stopped,
    );
    expect(
      existsSync(join(cacheFolder, 'pictures')) ? packs().filter((name) => name.endsWith('.part')) : [],
    ).toEqual([]);
  });
});

describe('files that cannot be used', () => {
  beforeEach(async () => {
    await putAll('a/0.png', 'b/1.png');
    await put('a/empty.png', Buffer.alloc(0));
    await put('b/cut.png', picture(3).subarray(0, 60));
    await put('b/\u001b[2Jtext.jpg', Buffer.from('hello'));
    const outside = join(dirname(dir), 'secret.png');
    await writeFile(outside, picture(200));
    await symlink(outside, join(dir, 'a/link.png'));
    await symlink(dir, join(dir, 'a/loop'));
    await symlink('nowhere', join(dir, 'a/broken.png'));
    await symlink('0.png', join(dir, 'a/within.png'));
    await link(join(dir, 'a/0.png'), join(dir, 'a/hard.png'));
  });

  it('are refused by name, with their number, kinds and the remedy', async () => {
    const { code, message } = await errorOf();
    expect(code).toBe('E_DATA_CORRUPT');
    expect(message).toContain('6 of 10 pictures');
    expect(message).toMatch(/1 empty, 1 unreadable, 1 truncated, 3 link/);
    expect(message).toContain('a/link.png is a link out of the folder');
    expect(message).toContain('badImages skip');
    expect(message).not.toContain('\u001b');
  });

  it('are skipped with a notice', async () => {
    const notices: string[] = [];
    const { training } = await loadFolder(
      options({ badImages: 'skip', onNotice: (message) => notices.push(message) }),
    );
    expect(contentOf(training)).toEqual([
      [0, 0],
      [1, 1],
      [0, 0],
      [0, 0],
    ]);
    expect(notices[0]).toMatch(/^skipped: 6 of 10 pictures/);
  });

  it('must leave something of each class', async () => {
    await rm(join(dir, 'b/1.png'));
    expect((await errorOf({ badImages: 'skip' })).message).toContain('no picture that can be used of b');
  });
});

describe('a folder that is no data set', () => {
  it('does not exist, or is a file', async () => {
    expect(await errorOf()).toMatchObject({
      code: 'E_DATA_MISSING',
      message: /does not exist; name a folder/,
    });
    await writeFile(dir, '');
    expect(await errorOf()).toMatchObject({ code: 'E_DATA_MISSING', message: /is not a folder/ });
  });

  it.each([
    [['0.png', '1.png'], 'E_DATA_MISSING', 'holds 2 pictures and no folders'],
    [['a/0.png'], 'E_DATA_CORRUPT', 'holds one class, a, and a network needs at least two'],
    [['train/a/0.png'], 'E_DATA_CORRUPT', 'train holds one class, a'],
    [['test/a/0.png', 'val/b/0.png'], 'E_DATA_MISSING', 'holds test and val without train'],
    [['a/0.png', 'b/0.png', 'test/0.png'], 'E_DATA_CORRUPT', 'holds test beside a, b, without train'],
    [
      ['a/0.png', 'val/a/0.png', 'Test/0.png'],
      'E_DATA_CORRUPT',
      'holds Test and val beside a, without train',
    ],
    [['train/0.png', 'test/a/0.png'], 'E_DATA_CORRUPT', 'train holds no folders; put a folder'],
    [
      ['a/0.png', `${'x'.repeat(101)}/0.png`, 'line\nfeed/0.png'],
      'E_DATA_CORRUPT',
      `which must be 1 to 100 printable characters: line\ufffdfeed, ${'x'.repeat(101)}; rename them`,
    ],
    [['a/0.png', 'b/notes.txt'], 'E_DATA_CORRUPT', '1 class folder of'],
    [
      ['a/notes.txt', 'b/0.gif'],
      'E_DATA_CORRUPT',
      'holds no pictures (there are other files: 1 .txt, a/notes.txt; 1 .gif, b/0.gif)',
    ],
    [
      ['train/a/0.png', 'train/b/0.png', 'val/c/0.png'],
      'E_DATA_CORRUPT',
      '1 folder that train does not have: c',
    ],
    [
      Array.from({ length: 257 }, (_, label) => `c${label}/0.png`),
      'E_DATA_CORRUPT',
      '257 classes, and may hold at most 256',
    ],
  ])('case %$', async (places, code, problem) => {
    await putAll(...places);
    expect(await errorOf()).toMatchObject({ code, message: expect.stringContaining(problem) as string });
  });

  it('holds a pipe where a picture should be', async () => {
    await putAll('a/0.png', 'b/0.png');
    const { execFileSync } = await import('node:child_process');
    if (process.platform === 'win32') return;
    execFileSync('mkfifo', [join(dir, 'a/pipe.png')]);
    expect((await errorOf()).message).toContain('a/pipe.png cannot be read (it is a pipe');
  });

  it('claims a picture of 60,000 x 60,000', async () => {
    await putAll('a/0.png', 'b/0.png');
    const bomb = pngFile({ width: 60_000, height: 60_000, channels: 3, pixels: new Uint8Array(180_000) });
    await put('b/bomb.png', bomb);
    const handle = await open(join(dir, 'b/large.png'), 'w');
    await handle.truncate(300 << 20);
    await handle.close();
    expect((await errorOf()).message).toMatch(
      /2 huge.*bomb\.png has 60000x60000 pixels.*large\.png has \d+ bytes/,
    );
  });
});
