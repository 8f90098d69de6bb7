/** Reads the digests of a run's samples out of a checkpoint without reading its weights. */

import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { SampleDigests } from '../../data/index.js';
import { METADATA, METADATA_DIGEST, sampleDigestsSchema } from './checkpointFormat.js';
import { withFileHeader } from './fileHeader.js';

const headerSchema = z.object({
  __metadata__: z.object({ [METADATA]: z.string(), [METADATA_DIGEST]: z.string() }),
});
const metadataSchema = z.object({ samples: sampleDigestsSchema.optional() });

/** @returns undefined if the file is missing, damaged, no checkpoint, or of a version that did not store the digests */
export function readStoredSamples(file: string): Promise<SampleDigests | undefined> {
  return withFileHeader(file, ({ header }) => {
    const metadata = headerSchema.parse(header)['__metadata__'];
    const text = metadata[METADATA];
    if (createHash('sha256').update(text).digest('hex') !== metadata[METADATA_DIGEST]) return undefined;
    return metadataSchema.parse(JSON.parse(text)).samples;
  });
}
