/**
 * A packed file: the decoded images of a folder, one after another, then their labels, then a description as JSON, and at the
 * end where that begins and its checksum. It is written from front to back, and read by position: a data set of any size
 * takes no memory but for its labels, and the system's own cache makes repeated reads fast.
 */

import { createHash } from 'node:crypto';
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { z } from 'zod';
import { LockstepError } from '../../foundation/errors.js';
import { checkSampleIndex, imageByteCount } from '../imageSet.js';
import type { ImageSet, ImageShape } from '../imageSet.js';
import { PICTURE_FAULTS } from './pictureFault.js';

const MAGIC = 'LSPACK01';
/** SHA-256 of the description, its length, the magic word. */
const TAIL_BYTES = 32 + 4 + MAGIC.length;
const LARGEST_DESCRIPTION = 256 << 20;
const READ_BYTES = 4 << 20;

const count = z.int().nonnegative();
const packSchema = z.strictObject({
  /** Of the files and of how they were read: another one makes a new packed file. */
  sourceSha256: z.string(),
  imageShape: z.strictObject({
    height: count.positive(),
    width: count.positive(),
    channels: count.positive(),
  }),
  classNames: z.array(z.string()).min(1).max(256),
  sampleCount: count,
  /** Of images and labels. */
  contentSha256: z.string(),
  /** Files that are not used. */
  bad: z.array(z.strictObject({ path: z.string(), fault: z.enum(PICTURE_FAULTS), problem: z.string() })),
});

export type PackDescription = Readonly<z.infer<typeof packSchema>>;

/** Images come in order, the description last. */
export class PackWriter {
  private readonly content = createHash('sha256');
  private readonly labels: number[] = [];

  private constructor(private readonly file: FileHandle) {}

  static async create(path: string): Promise<PackWriter> {
    return new PackWriter(await open(path, 'wx'));
  }

  get sampleCount(): number {
    return this.labels.length;
  }

  /** @param pixels of one image or several, of which each has a label */
  async append(pixels: Uint8Array, labels: readonly number[]): Promise<void> {
    this.content.update(pixels);
    this.labels.push(...labels);
    await this.file.writeFile(pixels);
  }

  async finish(description: Omit<PackDescription, 'sampleCount' | 'contentSha256'>): Promise<void> {
    const labels = Uint8Array.from(this.labels);
    const contentSha256 = this.content.update(labels).digest('hex');
    const whole: PackDescription = { ...description, sampleCount: labels.length, contentSha256 };
    const json = Buffer.from(JSON.stringify(whole));
    const length = Buffer.alloc(4);
    length.writeUInt32LE(json.length);
    const checksum = createHash('sha256').update(json).digest();
    await this.file.writeFile(Buffer.concat([labels, json, checksum, length, Buffer.from(MAGIC, 'latin1')]));
    await this.file.sync();
  }

  close(): Promise<void> {
    return this.file.close();
  }
}

/** Closes the file of a set that nobody has any more. */
const CLOSER = new FinalizationRegistry((descriptor: number) => {
  closeSync(descriptor);
});

export class PackedSet implements ImageSet {
  readonly imageShape: ImageShape;
  readonly classNames: readonly string[];
  readonly sampleCount: number;
  private readonly labels: Uint8Array;
  private readonly imageBytes: number;
  private isClosed = false;
  private files: readonly string[] = [];

  private constructor(
    readonly name: string,
    readonly file: string,
    private readonly descriptor: number,
    readonly description: PackDescription,
  ) {
    const { imageShape, classNames, sampleCount } = description;
    this.imageShape = imageShape;
    this.classNames = classNames;
    this.sampleCount = sampleCount;
    this.imageBytes = imageByteCount(imageShape);
    this.labels = new Uint8Array(sampleCount);
    readExactly(descriptor, this.labels, sampleCount * this.imageBytes);
  }

  /** @returns undefined if there is no such file, or it is damaged or of another version: then it is made anew */
  static open(name: string, file: string): PackedSet | undefined {
    let descriptor: number | undefined;
    try {
      descriptor = openSync(file, 'r');
      const set = new PackedSet(name, file, descriptor, readDescription(descriptor));
      CLOSER.register(set, descriptor, set);
      return set;
    } catch {
      if (descriptor !== undefined) closeSync(descriptor);
      return undefined;
    }
  }

  /** For a set that nobody reads any more: Windows replaces no file that is open. */
  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    CLOSER.unregister(this);
    closeSync(this.descriptor);
  }

  /** Whether images and labels are as they were written. Reads the whole file. */
  async isIntact(signal?: AbortSignal): Promise<boolean> {
    const hash = createHash('sha256');
    const buffer = new Uint8Array(READ_BYTES);
    const end = this.sampleCount * this.imageBytes;
    for (let at = 0; at < end; at += buffer.length) {
      signal?.throwIfAborted();
      const part = buffer.subarray(0, Math.min(buffer.length, end - at));
      readExactly(this.descriptor, part, at);
      hash.update(part);
      await new Promise(setImmediate);
    }
    const { contentSha256, classNames } = this.description;
    const isLabelled = this.labels.every((label) => label < classNames.length);
    return isLabelled && hash.update(this.labels).digest('hex') === contentSha256;
  }

  /** @param files one an image: only those who list the folder know them */
  nameFiles(files: readonly string[]): void {
    this.files = files.length === this.sampleCount ? files : [];
  }

  fileOf(index: number): string | undefined {
    return this.files[index];
  }

  labelOf(index: number): number {
    checkSampleIndex(index, this.sampleCount);
    return this.labels[index]!;
  }

  read(index: number, target: Uint8Array, targetOffset: number): number {
    const label = this.labelOf(index);
    const { imageBytes, descriptor, file } = this;
    try {
      readExactly(descriptor, target.subarray(targetOffset, targetOffset + imageBytes), index * imageBytes);
    } catch (error) {
      throw new LockstepError(
        'E_IO',
        `${file} cannot be read; check the disk, or remove the file: it is made again from the folder of pictures`,
        { cause: error },
      );
    }
    return label;
  }
}

function readDescription(descriptor: number): PackDescription {
  const { size } = fstatSync(descriptor);
  if (size < TAIL_BYTES) throw new Error('too short');
  const tail = Buffer.alloc(TAIL_BYTES);
  readExactly(descriptor, tail, size - TAIL_BYTES);
  if (tail.toString('latin1', 36) !== MAGIC) throw new Error('not a packed file, or of another version');
  const length = tail.readUInt32LE(32);
  if (length > Math.min(LARGEST_DESCRIPTION, size - TAIL_BYTES))
    throw new Error('its description is too long');
  const json = Buffer.alloc(length);
  readExactly(descriptor, json, size - TAIL_BYTES - length);
  if (!createHash('sha256').update(json).digest().equals(tail.subarray(0, 32))) throw new Error('damaged');
  const description = packSchema.parse(JSON.parse(json.toString()));
  const content = description.sampleCount * (imageByteCount(description.imageShape) + 1);
  if (size !== content + length + TAIL_BYTES) throw new Error('of a wrong size');
  return description;
}

function readExactly(descriptor: number, target: Uint8Array, position: number): void {
  for (let filled = 0; filled < target.length;) {
    const read = readSync(descriptor, target, filled, target.length - filled, position + filled);
    if (read === 0) throw new Error('it ends too early');
    filled += read;
  }
}
