/** A channel over one WebSocket: a binary frame a message. */

import type { Socket } from 'node:net';
import type { RawData, WebSocket } from 'ws';
import { describeError } from '../foundation/errors.js';
import { Broadcast } from './channel.js';
import type { AnyMessage, Channel, ChannelHandlers, CoordinatorChannel, NodeChannel } from './channel.js';
import { decodeCoordinatorMessage, decodeNodeMessage, encodeMessage } from './codec.js';

const NORMAL_CLOSURE = 1000; // RFC 6455 section 7.4.1
const PROTOCOL_VIOLATION = 1002;
const CLOSE_REASON_BYTES = 123; // RFC 6455 section 5.5: a control frame's payload, less the code
const PING_INTERVAL_MS = 2_000;
const SILENT_BEATS_ALLOWED = 5;

/** The coordinator's end: receives what nodes may send. */
export function coordinatorChannel(
  socket: WebSocket,
  peerName: string,
  transport: Socket,
): CoordinatorChannel {
  return new WebSocketChannel(socket, peerName, decodeNodeMessage, transport);
}

/** A node's end: receives what the coordinator may send. */
export function nodeChannel(socket: WebSocket, peerName: string, transport: Socket): NodeChannel {
  return new WebSocketChannel(socket, peerName, decodeCoordinatorMessage, transport);
}

class WebSocketChannel<Outgoing extends AnyMessage, Incoming extends AnyMessage> implements Channel<
  Outgoing,
  Incoming
> {
  private failure: string | undefined;
  private silentBeats = 0;
  private bytesHeard = 0;
  private bytesWaiting = 0;

  constructor(
    private readonly socket: WebSocket,
    readonly peerName: string,
    private readonly decode: (frame: Uint8Array) => Incoming,
    private readonly transport: Socket,
  ) {
    // Without a listener an error event ends the process; a close event always follows it.
    socket.on('error', (error) => (this.failure ??= describeError(error)));
  }

  send(message: Outgoing | Broadcast<Outgoing>, whenTaken?: () => void): void {
    if (this.socket.readyState === this.socket.OPEN) {
      this.socket.send(message instanceof Broadcast ? message.encoded() : encodeMessage(message));
    }
    whenTaken?.();
  }

  open(handlers: ChannelHandlers<Incoming>): void {
    const heartbeat = setInterval(() => this.beat(), PING_INTERVAL_MS);
    this.socket.on('message', (data) => this.receive(data, handlers));
    this.socket.on('close', (_code, reason) => {
      clearInterval(heartbeat);
      handlers.onClose(this.failure ?? (reason.toString() || 'the connection was lost'));
    });
  }

  close(reason: string): void {
    this.socket.close(NORMAL_CLOSURE, closeReason(reason));
  }

  private receive(data: RawData, handlers: ChannelHandlers<Incoming>): void {
    if (this.failure !== undefined) return;
    const message = this.decodeOrClose(data);
    if (message) handlers.onMessage(message);
  }

  /** One bad frame ends this connection, and nothing else. */
  private decodeOrClose(data: RawData): Incoming | undefined {
    try {
      return this.decode(asBytes(data));
    } catch (error) {
      this.failure = describeError(error);
      this.socket.close(PROTOCOL_VIOLATION, closeReason(this.failure));
      return undefined;
    }
  }

  /**
   * Cuts off a peer that shows no sign of life. Bytes count, not messages: on a slow link a gradient is long on its way,
   * and the ping behind it longer; whatever arrives, and whatever of ours is taken, is a sign.
   */
  private beat(): void {
    const { bytesRead } = this.transport;
    const { bufferedAmount } = this.socket;
    const isAlive = bytesRead > this.bytesHeard || bufferedAmount < this.bytesWaiting;
    this.bytesHeard = bytesRead;
    this.bytesWaiting = bufferedAmount;
    this.silentBeats = isAlive ? 0 : this.silentBeats + 1;
    if (this.silentBeats >= SILENT_BEATS_ALLOWED) {
      this.failure ??= `no sign of life for ${(SILENT_BEATS_ALLOWED * PING_INTERVAL_MS) / 1000} s`;
      this.socket.terminate();
    } else if (this.socket.readyState === this.socket.OPEN) {
      this.socket.ping();
    }
  }
}

function asBytes(data: RawData): Uint8Array {
  if (Array.isArray(data)) return Buffer.concat(data);
  return data instanceof ArrayBuffer ? new Uint8Array(data) : data;
}

function closeReason(reason: string): string {
  return Buffer.from(reason)
    .subarray(0, CLOSE_REASON_BYTES)
    .toString()
    .replace(/\uFFFD$/, '');
}
