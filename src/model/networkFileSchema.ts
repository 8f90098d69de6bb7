/** The JSON schema of a network's file, for editors: docs/network.schema.json is written from it. */

import { z } from 'zod';
import { NETWORK_LIMITS } from './limits.js';
import { networkFileShape } from './networkText.js';

/** Says what a file may hold; what follows from shapes only the reader finds. */
export function networkFileSchema(): object {
  const { properties, ...schema } = z.toJSONSchema(networkFileShape, { io: 'input', target: 'draft-7' });
  const layers = { ...(properties!['layers'] as object), maxItems: NETWORK_LIMITS.layers };
  return {
    ...schema,
    properties: { ...properties, layers },
    title: 'A network of Lockstep',
    description: 'See docs/networks.md',
    oneOf: [{ required: ['classNames'] }, { required: ['classCount'] }],
  };
}
