/**
 * Packs the checkpoints of a run folder of version 0.1.0: `node pack.mjs RUN` writes checkpoints.br beside this file.
 * Brotli looks back over both files: what one has from the other is stored once.
 */

import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { brotliCompressSync, constants } from 'node:zlib';

const run = process.argv[2];
const both = ['last', 'best'].map((name) => readFileSync(path.join(run, 'checkpoints', `${name}.safetensors`)));
const packed = brotliCompressSync(Buffer.concat(both), {
  params: { [constants.BROTLI_PARAM_LGWIN]: 24, [constants.BROTLI_PARAM_QUALITY]: 11 },
});
writeFileSync(new URL('checkpoints.br', import.meta.url), packed);
console.log(`last: ${both[0].length} bytes, best: ${both[1].length} bytes, packed: ${packed.length} bytes`);
