/** A channel over one WebSocket: one binary frame per message. */

import type { Socket } from 'node:net';
import { WebSocket } from 'ws';
import type { RawData } from 'ws';
import { describeError } from '../foundation/errors.js';
import { Broadcast } from './channel.js';
import type {
  AnyMessage,
  Channel,
  ChannelHandlers,
  CoordinatorChannel,
  NodeChannel,
  Traffic,
} from './channel.js';
import { decodeCoordinatorMessage, decodeNodeMessage, encodeMessage } from './codec.js';
import { takeLargeFrames } from './frameIntake.js';
import type { FrameMemory } from './frameMemory.js';
import { DEFAULT_HEARTBEAT_TIMEOUT_MS, startHeartbeat } from './heartbeat.js';
import { OutgoingQueue } from './outgoingQueue.js';
import { closeReason, ReceivingEnd } from './receivingEnd.js';

const NORMAL_CLOSURE = 1000; // RFC 6455 section 7.4.1
const PROTOCOL_VIOLATION = 1002;
/** Time for the close frame to be sent. */
const BREACH_CLOSING_MS = 1000;

export interface CoordinatorChannelOptions {
  readonly heartbeatTimeoutMs?: number | undefined;
  /** Asked for each frame before it is decoded; a frame is dropped if the answer is no. */
  readonly mayDecode?: (() => boolean) | undefined;
  /** For large frames. Their byte strings are then gone when the handler has returned. */
  readonly frameMemory?: FrameMemory | undefined;
}

/** The coordinator's end: receives what nodes may send. */
export function coordinatorChannel(
  socket: WebSocket,
  peerName: string,
  transport: Socket,
  { heartbeatTimeoutMs, mayDecode, frameMemory }: CoordinatorChannelOptions = {},
): CoordinatorChannel {
  return new WebSocketChannel(
    socket,
    peerName,
    decodeNodeMessage,
    transport,
    heartbeatTimeoutMs,
    mayDecode,
    frameMemory,
  );
}

/** A node's end: receives what the coordinator may send. */
export function nodeChannel(
  socket: WebSocket,
  peerName: string,
  transport: Socket,
  heartbeatTimeoutMs = DEFAULT_HEARTBEAT_TIMEOUT_MS,
): NodeChannel {
  return new WebSocketChannel(socket, peerName, decodeCoordinatorMessage, transport, heartbeatTimeoutMs);
}

/**
 * How a node opens its socket. A mask of zeros leaves frames unchanged; any other mask costs a copy of every gradient here
 * and a pass over it at the coordinator. Masks protect proxies from data that a web page makes a browser send (RFC 6455
 * section 10.3); a node sends no such data.
 */
export const NODE_SOCKET_OPTIONS = {
  perMessageDeflate: false,
  generateMask: (mask: Buffer): void => void mask.fill(0),
} as const;

class WebSocketChannel<Outgoing extends AnyMessage, Incoming extends AnyMessage> implements Channel<
  Outgoing,
  Incoming
> {
  private readonly incoming: ReceivingEnd<Incoming>;
  private readonly outgoing: OutgoingQueue;
  private heardAtMs = performance.now();
  private bytesBefore = 0;
  private pingedAtMs: number | undefined;
  private roundTripMs: number | undefined;

  constructor(
    private readonly socket: WebSocket,
    readonly peerName: string,
    decode: (frame: Uint8Array) => Incoming,
    private readonly transport: Socket,
    private readonly heartbeatTimeoutMs = DEFAULT_HEARTBEAT_TIMEOUT_MS,
    private readonly mayDecode: () => boolean = () => true,
    private readonly frameMemory?: FrameMemory,
  ) {
    this.outgoing = new OutgoingQueue<Uint8Array>(socket);
    this.incoming = new ReceivingEnd({
      decode,
      closeForFault: (reason) => socket.close(PROTOCOL_VIOLATION, reason),
    });
    // Without a listener, an error event would end the process. A close event always follows it.
    socket.on('error', (error) => this.incoming.fail(describeError(error)));
  }

  /** Encodes the message at once: the vectors that it views may change afterwards. */
  send(message: Outgoing | Broadcast<Outgoing>, whenTaken?: () => void, whenDropped?: () => void): void {
    if (this.socket.readyState === this.socket.OPEN) {
      const [type, frame] =
        message instanceof Broadcast
          ? [message.message.type, message.encoded()]
          : [message.type, encodeMessage(message)];
      this.outgoing.push({ type, frame, whenDropped });
    }
    whenTaken?.();
  }

  open(handlers: ChannelHandlers<Incoming>): void {
    this.incoming.open(handlers);
    const stopHeartbeat = startHeartbeat({
      timeoutMs: this.heartbeatTimeoutMs,
      bytesHeard: () => this.bytesHeard(),
      ping: () => this.ping(),
      onSilence: () => {
        this.incoming.fail(`no sign of life for ${this.heartbeatTimeoutMs / 1000} s`);
        this.socket.terminate();
      },
    });
    this.socket.on('message', (data) => this.receive(data));
    if (this.frameMemory) {
      takeLargeFrames(this.socket, this.transport, this.frameMemory, (frame) => this.receive(frame));
    }
    this.socket.on('pong', () => this.answered());
    this.socket.on('close', (_code, reason) => {
      stopHeartbeat();
      this.outgoing.clear();
      this.incoming.end(reason.toString());
    });
  }

  close(reason: string): void {
    this.outgoing.finish(() => this.socket.close(NORMAL_CLOSURE, closeReason(reason)));
  }

  get unsentCount(): number {
    return this.outgoing.waitingCount;
  }

  breach(reason: string): void {
    if (this.incoming.hasFailed) return;
    this.outgoing.clear();
    this.incoming.breach(reason);
    // A peer that floods this side goes on until the socket ends, and may never answer the closing handshake.
    terminateAfter(this.socket, BREACH_CLOSING_MS);
  }

  traffic(): Traffic {
    const { bytesRead: bytesReceived, bytesWritten: bytesSent } = this.transport;
    const { roundTripMs, heardAtMs } = this;
    return { bytesReceived, bytesSent, roundTripMs, heardAtMs };
  }

  private bytesHeard(): number {
    const { bytesRead } = this.transport;
    if (bytesRead > this.bytesBefore) this.heardAtMs = performance.now();
    this.bytesBefore = bytesRead;
    return bytesRead;
  }

  private ping(): void {
    if (this.socket.readyState !== this.socket.OPEN) return;
    this.pingedAtMs ??= performance.now(); // the first that is not answered
    this.socket.ping();
  }

  private answered(): void {
    this.heardAtMs = performance.now();
    if (this.pingedAtMs === undefined) return; // nobody asked
    this.roundTripMs = this.heardAtMs - this.pingedAtMs;
    this.pingedAtMs = undefined;
  }

  private receive(data: RawData | Uint8Array): void {
    this.heardAtMs = performance.now();
    if (!this.incoming.hasFailed && this.mayDecode()) this.incoming.receive(asBytes(data));
  }
}

function asBytes(data: RawData | Uint8Array): Uint8Array {
  if (Array.isArray(data)) return Buffer.concat(data);
  return data instanceof ArrayBuffer ? new Uint8Array(data) : data;
}

/** Ends a socket that is closing, in case the peer does not answer the closing handshake. */
export function terminateAfter(socket: WebSocket, delayMs: number): void {
  if (socket.readyState === WebSocket.CLOSED) return;
  const timer = setTimeout(() => socket.terminate(), delayMs);
  socket.once('close', () => clearTimeout(timer));
}
