/**
 * Takes large messages off a connection before `ws` sees them, and puts them together in memory that is used again.
 * Everything else passes to `ws` as it came: small messages, pings, closing, and whatever breaks RFC 6455, which `ws` knows
 * how to answer.
 *
 * `ws` keeps the pieces of a message, 64 KiB each, until it is whole, and copies them into new memory then. Under many
 * nodes these two megabytes a gradient made V8 collect its whole heap after every 14 gradients (docs/log.md).
 */

import type { Socket } from 'node:net';
import type { WebSocket } from 'ws';
import type { FrameMemory } from './frameMemory.js';

/** Shorter messages are left to `ws`: they arrive in few pieces. */
const SHORTEST_TAKEN_BYTES = 65_536;

const HEAD_BYTES = 2;
const MASK_BYTES = 4;
const LENGTH_BYTES: Readonly<Record<number, number>> = { 126: 2, 127: 8 };
const FINAL = 0x80;
const MASKED = 0x80;
const CONTINUATION = 0x0;
const BINARY = 0x2;
const CLOSE = 0x8;

/** Moves the socket's data from `ws` to an intake. Call it once the WebSocket is open. */
export function takeLargeFrames(
  webSocket: WebSocket,
  socket: Socket,
  memory: FrameMemory,
  onFrame: (frame: Uint8Array) => void,
): void {
  const listeners = socket.listeners('data') as ((chunk: Buffer) => void)[];
  const [passOn] = listeners;
  if (!passOn || listeners.length > 1) return; // another version of `ws`: it takes everything
  const intake = new FrameIntake(memory, onFrame, (chunk) => passOn.call(socket, chunk));
  socket.off('data', passOn);
  socket.on('data', (chunk: Buffer) => intake.take(chunk));
  webSocket.once('error', () => intake.end());
  // What is left in a paused socket comes as no event any more. `ws` would read it past this intake.
  socket.prependOnceListener('close', () => {
    const left = socket.read() as Buffer | null;
    if (left) intake.take(left);
    intake.end();
    memory.disconnect();
  });
  memory.connect();
}

export class FrameIntake {
  /** The beginning of a frame whose head has not arrived whole. */
  private begun: Buffer | undefined;
  /** Payload of the current frame that has not arrived. */
  private missing = 0;
  /** The frame that is being put together; undefined while the current one passes to `ws`. */
  private taken: { readonly memory: Uint8Array; readonly length: number } | undefined;
  private isInFragments = false;
  private isLast = false;
  private hasEnded = false;

  constructor(
    private readonly memory: FrameMemory,
    private readonly onFrame: (frame: Uint8Array) => void,
    private readonly passOn: (chunk: Buffer) => void,
  ) {}

  take(arrived: Buffer): void {
    const chunk = this.begun ? Buffer.concat([this.begun, arrived]) : arrived;
    this.begun = undefined;
    let at = 0;
    let passedUpTo = 0;
    const passUpTo = (end: number): void => {
      if (end > passedUpTo) this.passOn(chunk.subarray(passedUpTo, end));
    };
    while (at < chunk.byteLength && !this.hasEnded) {
      if (this.missing === 0) {
        const head = headAt(chunk, at);
        if (!head) break;
        if (this.enter(head)) {
          passUpTo(at);
          passedUpTo = at + head.byteLength;
        }
        at += head.byteLength;
      }
      const end = Math.min(chunk.byteLength, at + this.missing);
      if (this.taken) {
        const { memory, length } = this.taken;
        memory.set(chunk.subarray(at, end), length - this.missing);
        passedUpTo = end;
      }
      this.missing -= end - at;
      at = end;
      if (this.missing > 0) break;
      this.deliver();
      if (this.isLast) {
        passUpTo(at);
        return this.end();
      }
    }
    if (this.hasEnded) return;
    passUpTo(at);
    if (at < chunk.byteLength) this.begun = Buffer.from(chunk.subarray(at));
  }

  /** Nothing more is wanted. */
  end(): void {
    this.hasEnded = true;
    this.begun = undefined;
    if (this.taken) this.memory.giveBack(this.taken.memory);
    this.taken = undefined;
  }

  /** @returns whether the frame is taken here */
  private enter({ final, opcode, reserved, mask, length }: FrameHead): boolean {
    const isWhole = final && opcode === BINARY && reserved === 0 && !this.isInFragments;
    if (opcode === CONTINUATION) this.isInFragments &&= !final;
    else if (opcode < CLOSE) this.isInFragments ||= !final;
    this.isLast = opcode === CLOSE;
    this.missing = length;
    const fits = length >= SHORTEST_TAKEN_BYTES && length <= this.memory.frameBytes;
    if (!isWhole || !fits || mask !== 0) return false;
    this.taken = { memory: this.memory.borrow(), length };
    return true;
  }

  private deliver(): void {
    const { taken } = this;
    if (!taken) return;
    this.taken = undefined;
    try {
      this.onFrame(taken.memory.subarray(0, taken.length));
    } finally {
      this.memory.giveBack(taken.memory);
    }
  }
}

interface FrameHead {
  readonly final: boolean;
  readonly opcode: number;
  /** Bits that must be zero. */
  readonly reserved: number;
  /** NaN without a mask. */
  readonly mask: number;
  readonly length: number;
  readonly byteLength: number;
}

/** RFC 6455 section 5.2; undefined if the head is not whole. */
function headAt(chunk: Buffer, at: number): FrameHead | undefined {
  if (chunk.byteLength < at + HEAD_BYTES) return undefined;
  const [first, second] = [chunk[at]!, chunk[at + 1]!];
  const short = second & 0x7f;
  const lengthBytes = LENGTH_BYTES[short] ?? 0;
  const isMasked = (second & MASKED) !== 0;
  const maskAt = at + HEAD_BYTES + lengthBytes;
  const end = maskAt + (isMasked ? MASK_BYTES : 0);
  if (chunk.byteLength < end) return undefined;
  const length =
    lengthBytes === 0
      ? short
      : lengthBytes === 2
        ? chunk.readUInt16BE(at + HEAD_BYTES)
        : chunk.readUInt32BE(at + HEAD_BYTES) * 2 ** 32 + chunk.readUInt32BE(at + HEAD_BYTES + 4);
  return {
    final: (first & FINAL) !== 0,
    opcode: first & 0x0f,
    reserved: first & 0x70,
    mask: isMasked ? chunk.readUInt32BE(maskAt) : NaN,
    length,
    byteLength: end - at,
  };
}
