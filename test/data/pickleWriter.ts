/** Writes a batch the way Python 2's cPickle wrote torchvision's files: protocol 2, texts and bytes as BINSTRING. */

export interface PythonBatchContent {
  readonly data: Uint8Array;
  readonly shape: readonly [number, number];
  readonly labels: readonly number[];
  /** Default: `labels`, as in CIFAR-10. */
  readonly labelsKey?: string;
  /** Other lists of labels, by key. */
  readonly more?: Readonly<Record<string, readonly number[]>>;
}

export function pickleLikePython2(content: PythonBatchContent): Uint8Array {
  const { data, shape, labels, labelsKey = 'labels', more = {} } = content;
  const parts: (string | Uint8Array)[] = [
    '\x80\x02}q\x01(', // PROTO 2, EMPTY_DICT, BINPUT 1, MARK
    shortString('batch_label'),
    'q\x02',
    shortString('training batch 1 of 5'),
    'q\x03',
    shortString(labelsKey),
    'q\x04]q\x05(', // EMPTY_LIST, MARK
    Uint8Array.from(labels.flatMap((label) => [0x4b, label])), // BININT1
    'e', // APPENDS
    ...Object.entries(more).flatMap(([key, values]) => [
      shortString(key),
      '](',
      Uint8Array.from(values.flatMap((value) => [0x4b, value])),
      'e',
    ]),
    shortString('data'),
    'q\x06cnumpy.core.multiarray\n_reconstruct\nq\x07cnumpy\nndarray\nq\x08K\x00\x85',
    shortString('b'),
    '\x87Rq\x09(K\x01', // REDUCE, MARK, array version 1
    ...shape.map(int32),
    '\x86cnumpy\ndtype\nq\x0a',
    shortString('u1'),
    'K\x00K\x01\x87Rq\x0b(K\x03',
    shortString('|'),
    'NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89', // dtype's state, BUILD, NEWFALSE: C order
    'T', // BINSTRING
    int32(data.length).slice(1),
    data,
    'tb', // the array's state, BUILD
    shortString('filenames'),
    'q\x0c]q\x0d',
    shortString('leptodactylus_pentadactylus_s_000004.png'),
    'au.', // APPEND, SETITEMS, STOP
  ];
  return Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : part)));
}

function shortString(text: string): string {
  return `U${String.fromCharCode(text.length)}${text}`;
}

function int32(value: number): Uint8Array {
  const bytes = Buffer.alloc(5);
  bytes.write('J', 'latin1');
  bytes.writeInt32LE(value, 1);
  return bytes;
}
