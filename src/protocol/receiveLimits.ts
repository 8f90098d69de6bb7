/** Limits for a message that is not complete yet. ws closes the connection if one is exceeded. */

export interface ReceiveLimits {
  readonly maxPayload: number;
  readonly maxFragments: number;
  readonly maxBufferedChunks: number;
}

/** Messages are sent whole, but a proxy may split them. */
const MAX_FRAGMENTS = 1024;
/** Each received piece costs some hundred bytes of memory, however short it is. Usual packets are longer than this. */
const SHORTEST_USUAL_PACKET = 512;
/** Additional pieces, for small frames on a link that splits them. */
const EXTRA_CHUNKS = 1024;

/** With these limits, the pieces of a message take about as much memory as the largest message itself. */
export function receiveLimits(maxFrameBytes: number): ReceiveLimits {
  return {
    maxPayload: maxFrameBytes,
    maxFragments: MAX_FRAGMENTS,
    maxBufferedChunks: EXTRA_CHUNKS + Math.ceil(maxFrameBytes / SHORTEST_USUAL_PACKET),
  };
}
