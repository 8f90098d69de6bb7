import { execFile } from 'node:child_process';
import { mkdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { gatherSamples, loadCifar10, loadCifar10Test, locateCifar10 } from '../../src/data/index.js';
import { readPickle } from '../../src/data/pickle.js';
import { readPythonBatch } from '../../src/data/pythonBatch.js';
import { temporaryFolder } from './cifar10Fixtures.js';
import { pickleLikePython2 } from './pickleWriter.js';

const RECORDS = 10_000;
const labelAt = (record: number): number => (record * 7) % 10;
const byteAt = (at: number): number => (at * 31 + Math.floor(at / 3072)) % 256;

const DATA = new Uint8Array(RECORDS * 3072);
for (let at = 0; at < DATA.length; at++) DATA[at] = byteAt(at);

function wholeBatch(labels = Array.from({ length: RECORDS }, (_, record) => labelAt(record))): Uint8Array {
  return pickleLikePython2({ data: DATA, shape: [RECORDS, 3072], labels });
}

async function writePythonSet(parent: string, batch: Uint8Array, testBatch: Uint8Array): Promise<void> {
  const folder = join(parent, 'cifar-10-batches-py');
  await mkdir(folder);
  for (const number of [1, 2, 3, 4, 5]) await writeFile(join(folder, `data_batch_${number}`), batch);
  await writeFile(join(folder, 'test_batch'), testBatch);
}

const latin1 = (text: string): Uint8Array => Buffer.from(text, 'latin1');

describe("torchvision's files", () => {
  it('are read like the binary ones', async () => {
    const parent = await temporaryFolder();
    await writePythonSet(
      parent,
      wholeBatch(),
      pickleLikePython2({ data: DATA, shape: [RECORDS, 3072], labels: [] }),
    );
    expect(await locateCifar10([parent])).toEqual({
      folder: join(parent, 'cifar-10-batches-py'),
      layout: 'python',
    });
    const set = await loadCifar10(parent);
    expect(set.sampleCount).toBe(50_000);
    const { pixels, labels } = gatherSamples(set, [12_345]);
    expect([...labels]).toEqual([labelAt(2345)]);
    expect(pixels[(9 * 32 + 20) * 3 + 2]).toBe(byteAt(2345 * 3072 + 2 * 1024 + 9 * 32 + 20));
    await expect(loadCifar10Test(parent)).rejects.toThrow(/test_batch has 0 labels/);
  });

  it('are refused for their size before they are read', async () => {
    const parent = await temporaryFolder();
    await writePythonSet(parent, latin1('\x80\x02}.'), wholeBatch());
    await expect(loadCifar10(parent)).rejects.toThrow(
      /data_batch_1 has 4 bytes, but a pickled batch has 30720000 to/,
    );
    await truncate(join(parent, 'cifar-10-batches-py', 'data_batch_1'), 2 ** 33); // as a sparse file
    await expect(loadCifar10(parent)).rejects.toThrow(/data_batch_1 has 8589934592 bytes, but/);
  });

  it.each([
    ['a truncated file', wholeBatch().subarray(0, 1_000_000), /batch cannot be read .* truncated/],
    [
      'too few records',
      pickleLikePython2({ data: new Uint8Array(6144), shape: [2, 3072], labels: [1, 2] }),
      /shape \(2, 3072\)/,
    ],
    ['too few labels', wholeBatch([1, 2, 3]), /has 3 labels, but it must have 10000/],
    ['neither pixels nor labels', latin1('\x80\x02}.'), /batch must be a dict with a numpy array 'data'/],
    ['another thing', latin1('\x80\x02]q\x01.'), /must be a pickled dict/],
    ['no pickle', latin1('<html>'), /opcode 0x3c at byte 0 is not supported/],
    ['an empty file', latin1(''), /truncated/],
  ])('name the file of %s', (_, bytes, message) => {
    expect(() => readPythonBatch(bytes, 'folder/batch')).toThrow(message);
  });

  it('name the record of a label above 9', async () => {
    const parent = await temporaryFolder();
    const labels = new Array<number>(RECORDS).fill(0);
    labels[77] = 200;
    await writePythonSet(parent, wholeBatch(labels), latin1(''));
    await expect(loadCifar10(parent)).rejects.toThrow(/data_batch_1: record 77 has label 200/);
  });
});

describe('readPickle', () => {
  it.each([
    ['os.system', '\x80\x02cos\nsystem\nU\x04true\x85R.'],
    ['builtins.eval', '\x80\x02cbuiltins\neval\nX\x01\x00\x00\x001\x85R.'],
    ['Object.prototype names', '\x80\x02cconstructor\n\n.'],
  ])('refuses %s', (_, pickle) => {
    expect(() => readPickle(latin1(pickle))).toThrow(/which is never loaded/);
  });

  it.each([
    ['a persistent id', '\x80\x02U\x01aQ.', /opcode 0x51/],
    ['an instance', '\x80\x02(ios\nsystem\n.', /opcode 0x69/],
    ['protocol 4', '\x80\x04}.', /protocol 4 is not supported/],
    ['a stack that is too short', '\x80\x02\x86.', /stack is empty/],
    ['a mark taken for a value', '\x80\x02(\x85.', /stack is empty/],
    ['a memo never written', '\x80\x02h\x05.', /memo 5/],
    ['a call of data', '\x80\x02K\x01)R.', /not callable/],
    ['no end', '\x80\x02K\x01', /truncated/],
  ])('refuses %s', (_, pickle, message) => {
    expect(() => readPickle(latin1(pickle))).toThrow(message);
  });

  /** An array's state: version, shape, type u1, C order, no content. */
  const arrayOfShape = (shape: string): Uint8Array =>
    latin1(
      '\x80\x02cnumpy.core.multiarray\n_reconstruct\n)R(K\x01' +
        `${shape}cnumpy\ndtype\nU\x02u1\x85R\x89U\x00tb.`,
    );

  it.each([
    // Written out as text, a list of two lists of two lists … would have 2^60 numbers.
    ['nested lists', `]K\x01aq\x00${'h\x00\x86q\x00'.repeat(60)}\x85`],
    ['texts', 'U\x012\x85'],
    ['five numbers', '(K\x01K\x01K\x01K\x01K\x01t'],
    ['a negative number', 'J\xff\xff\xff\xff\x85'],
    ['a number alone', 'K\x01'],
  ])('refuses a shape of %s', (_, shape) => {
    expect(() => readPickle(arrayOfShape(shape))).toThrow(/a shape is not a tuple of at most 4 numbers/);
  });

  it('encodes no more text than the file holds', () => {
    const text = 'x'.repeat(50_000);
    const length = Buffer.alloc(4);
    length.writeUInt32LE(text.length);
    const encode = 'c_codecs\nencode\nh\x00U\x06latin1\x86R';
    const pickle = (times: number): Uint8Array =>
      latin1(`\x80\x02(X${length.toString('latin1')}${text}q\x00${encode.repeat(times)}t.`);
    expect(readPickle(pickle(1))).toHaveLength(2);
    expect(() => readPickle(pickle(2))).toThrow(/encodes more text than it holds/);
  });

  it.each([
    ['dicts', '}'],
    ['lists', ']'],
    ['marks', '('],
  ])('makes no more %s than a file of its size needs', (_, opcode) => {
    expect(() => readPickle(latin1(`\x80\x02${opcode.repeat(2000)}.`))).toThrow(/more operations/);
  });

  it('takes no long text for a key, which would be copied at each use', () => {
    const key = `C\xff${'k'.repeat(255)}`;
    expect(() => readPickle(latin1(`\x80\x02}${key}Ns.`))).toThrow(/key is not a short text/);
  });

  it("reads what this machine's Python and numpy write", async ({ skip }) => {
    const folder = await temporaryFolder();
    const script = `
import pickle, numpy
data = numpy.arange(6 * 4, dtype=numpy.uint8).reshape(6, 4) * 11
for protocol in (2, 3):
    with open(f'batch{protocol}', 'wb') as file:
        pickle.dump({b'data': data, b'labels': [1, 2, 300, 70000, -1], 'nested': (1, (), [None, True])}, file, protocol)
`;
    try {
      await promisify(execFile)('python3', ['-c', script], { cwd: folder });
    } catch {
      skip('needs python3 with numpy');
    }
    for (const protocol of [2, 3]) {
      const dict = readPickle(await readFile(join(folder, `batch${protocol}`)));
      expect(dict).toBeInstanceOf(Map);
      const { data, labels, nested } = Object.fromEntries(dict as Map<string, unknown>);
      expect(data).toMatchObject({ kind: 'array', shape: [6, 4] });
      const { bytes } = data as { bytes: Uint8Array };
      expect([...bytes]).toEqual(Array.from({ length: 24 }, (_, at) => (at * 11) % 256));
      expect(labels).toEqual([1, 2, 300, 70_000, -1]);
      expect(nested).toEqual([1, [], [null, true]]);
    }
  });
});
