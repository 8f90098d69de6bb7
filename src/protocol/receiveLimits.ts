/** What a side holds of a message that is not complete yet; ws closes the connection beyond. */

export interface ReceiveLimits {
  readonly maxPayload: number;
  readonly maxFragments: number;
  readonly maxBufferedChunks: number;
}

/** Each message is sent whole; a proxy may cut it up. */
const MAX_FRAGMENTS = 1024;
/** A piece that arrives costs some hundred bytes, however short it is. Packets of honest peers are longer than this. */
const SHORTEST_USUAL_PACKET = 512;
/** For small frames on a link that cuts them up. */
const CHUNKS_BESIDES = 1024;

/** So the pieces of a message take about as much as the largest message itself. */
export function receiveLimits(maxFrameBytes: number): ReceiveLimits {
  return {
    maxPayload: maxFrameBytes,
    maxFragments: MAX_FRAGMENTS,
    maxBufferedChunks: CHUNKS_BESIDES + Math.ceil(maxFrameBytes / SHORTEST_USUAL_PACKET),
  };
}
