/** Loads what decodes many files when it is needed: worker threads, which read this folder's index too, decode nothing. */

import type * as Decoder from './decodeFiles.js';

export const loadDecoder = (): Promise<typeof Decoder> => import('./decodeFiles.js');
