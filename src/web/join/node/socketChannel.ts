/** A node's channel over a browser's WebSocket: one binary frame per message. */

import { describeError } from '../../../foundation/errors.js';
import { Broadcast, decodeCoordinatorMessage, encodeMessage } from '../../../protocol/pages.js';
import type {
  ChannelHandlers,
  CoordinatorMessage,
  NodeChannel,
  NodeMessage,
} from '../../../protocol/pages.js';

const NORMAL_CLOSURE = 1000; // RFC 6455 section 7.4.1
/** Pages may not use the protocol's own code for it. */
const PROTOCOL_VIOLATION = 4002;
const CLOSE_REASON_BYTES = 123; // RFC 6455 section 5.5: a control frame's payload, less the code

export class SocketChannel implements NodeChannel {
  readonly peerName: string;
  /** The lengths of the frames that the browser may not have sent yet, in order. */
  private unsent: number[] = [];
  private handlers: ChannelHandlers<CoordinatorMessage> | undefined;
  private failure: string | undefined;

  /** @param socket that is open, and gives ArrayBuffers */
  constructor(
    private readonly socket: WebSocket,
    private readonly onHeard: () => void,
  ) {
    this.peerName = new URL(socket.url).host;
  }

  send(message: NodeMessage | Broadcast<NodeMessage>, whenTaken?: () => void): void {
    if (this.socket.readyState === WebSocket.OPEN) {
      const frame = message instanceof Broadcast ? message.encoded() : encodeMessage(message);
      this.socket.send(frame as Uint8Array<ArrayBuffer>);
      this.unsent.push(frame.byteLength);
    }
    whenTaken?.();
  }

  get unsentCount(): number {
    let waiting = this.socket.bufferedAmount;
    let count = 0;
    for (; waiting > 0 && count < this.unsent.length; count++) waiting -= this.unsent.at(-1 - count)!;
    this.unsent = this.unsent.slice(this.unsent.length - count);
    return count;
  }

  open(handlers: ChannelHandlers<CoordinatorMessage>): void {
    this.handlers = handlers;
    this.socket.addEventListener('message', ({ data }) => this.receive(data));
    this.socket.addEventListener('close', ({ reason }) =>
      this.tellClosed(this.failure ?? (reason || 'the connection was lost')),
    );
  }

  close(reason: string): void {
    this.socket.close(NORMAL_CLOSURE, closeReason(reason));
  }

  breach(reason: string): void {
    if (this.failure !== undefined) return;
    this.endForFault(reason);
  }

  /** The connection is of no use any more. */
  abandon(reason: string): void {
    this.failure ??= reason;
    this.socket.close();
    this.tellClosed(this.failure);
  }

  private receive(data: unknown): void {
    this.onHeard();
    if (this.failure !== undefined) return;
    let message: CoordinatorMessage;
    try {
      message = decodeCoordinatorMessage(new Uint8Array(data as ArrayBuffer));
    } catch (error) {
      return this.endForFault(describeError(error));
    }
    this.handlers?.onMessage(message);
  }

  private endForFault(reason: string): void {
    this.failure = reason;
    this.socket.close(PROTOCOL_VIOLATION, closeReason(reason));
    this.tellClosed(reason, 'bad-frame');
  }

  private tellClosed(reason: string, fault?: 'bad-frame'): void {
    const { handlers } = this;
    this.handlers = undefined;
    handlers?.onClose(reason, fault);
  }
}

function closeReason(reason: string): string {
  const bytes = new TextEncoder().encode(reason).subarray(0, CLOSE_REASON_BYTES);
  return new TextDecoder().decode(bytes).replace(/\uFFFD$/, '');
}
