/** Cuts a stream of bytes into the HTTP head and the WebSocket frames behind it (RFC 6455 section 5.2). */

import { decodeCoordinatorMessage, decodeNodeMessage } from '../../../src/protocol/index.js';
import type { CoordinatorMessage, NodeMessage } from '../../../src/protocol/index.js';

export type Side = 'node' | 'coordinator';

const BINARY = 0x2;
const FINAL = 0x80;
const MASKED = 0x80;
const HEAD_END = '\r\n\r\n';

/** The HTTP head, or one frame, as it came over the wire. */
export class Piece {
  private decoded: CoordinatorMessage | NodeMessage | 'nothing' | undefined;

  constructor(
    readonly from: Side,
    readonly bytes: Buffer,
    private readonly payloadAt: number | undefined,
  ) {}

  /** What a whole binary frame says; undefined for the head, control frames, and what cannot be decoded. */
  get message(): CoordinatorMessage | NodeMessage | undefined {
    this.decoded ??= this.decode() ?? 'nothing';
    return this.decoded === 'nothing' ? undefined : this.decoded;
  }

  private decode(): CoordinatorMessage | NodeMessage | undefined {
    if (this.payloadAt === undefined || this.bytes[0] !== (FINAL | BINARY)) return undefined;
    const payload = this.unmasked(this.payloadAt);
    try {
      return this.from === 'node' ? decodeNodeMessage(payload) : decodeCoordinatorMessage(payload);
    } catch {
      return undefined;
    }
  }

  private unmasked(payloadAt: number): Uint8Array {
    const payload = Buffer.from(this.bytes.subarray(payloadAt)); // a copy: the bytes go on as they are
    if ((this.bytes[1]! & MASKED) === 0) return payload;
    const mask = this.bytes.subarray(payloadAt - 4, payloadAt);
    for (let index = 0; index < payload.length; index++) payload[index]! ^= mask[index & 3]!;
    return payload;
  }
}

export class FrameSplitter {
  private chunks: Buffer[] = [];
  private waitingBytes = 0;
  /** How many bytes must be there before it is worth looking again. */
  private neededBytes = 1;
  private headIsOver = false;

  constructor(private readonly from: Side) {}

  /** @returns the pieces that this chunk completes, in order */
  push(chunk: Buffer): Piece[] {
    this.chunks.push(chunk);
    this.waitingBytes += chunk.length;
    const pieces: Piece[] = [];
    while (this.waitingBytes >= this.neededBytes) {
      const buffer = this.chunks.length === 1 ? this.chunks[0]! : Buffer.concat(this.chunks);
      this.chunks = [buffer];
      const piece = this.headIsOver ? this.takeFrame(buffer) : this.takeHead(buffer);
      if (!piece) break;
      pieces.push(piece);
      this.waitingBytes = buffer.length - piece.bytes.length;
      this.chunks = this.waitingBytes > 0 ? [buffer.subarray(piece.bytes.length)] : [];
      this.neededBytes = 1;
    }
    return pieces;
  }

  /** What has come of a piece that is not complete. */
  get rest(): Buffer {
    return Buffer.concat(this.chunks);
  }

  private takeHead(buffer: Buffer): Piece | undefined {
    const end = buffer.indexOf(HEAD_END);
    this.neededBytes = buffer.length + 1;
    if (end < 0) return undefined;
    this.headIsOver = true;
    return new Piece(this.from, buffer.subarray(0, end + HEAD_END.length), undefined);
  }

  private takeFrame(buffer: Buffer): Piece | undefined {
    this.neededBytes = 2;
    if (buffer.length < 2) return undefined;
    const shortLength = buffer[1]! & 0x7f;
    const lengthBytes = shortLength === 126 ? 2 : shortLength === 127 ? 8 : 0;
    const payloadAt = 2 + lengthBytes + ((buffer[1]! & MASKED) === 0 ? 0 : 4);
    this.neededBytes = payloadAt;
    if (buffer.length < payloadAt) return undefined;
    const length =
      lengthBytes === 0
        ? shortLength
        : lengthBytes === 2
          ? buffer.readUInt16BE(2)
          : Number(buffer.readBigUInt64BE(2));
    this.neededBytes = payloadAt + length;
    return buffer.length < this.neededBytes
      ? undefined
      : new Piece(this.from, buffer.subarray(0, this.neededBytes), payloadAt);
  }
}
