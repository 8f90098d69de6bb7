/** A node's channel over a browser's WebSocket: one binary frame per message. */

import {
  Broadcast,
  closeReason,
  decodeCoordinatorMessage,
  encodeMessage,
  ReceivingEnd,
} from '../../../protocol/pages.js';
import type {
  ChannelHandlers,
  CoordinatorMessage,
  NodeChannel,
  NodeMessage,
} from '../../../protocol/pages.js';

const NORMAL_CLOSURE = 1000; // RFC 6455 section 7.4.1
/** Pages may not use the protocol's own code for it. */
const PROTOCOL_VIOLATION = 4002;
/** In place of a text, which is no message either. */
const NO_FRAME = new Uint8Array(0);

export class SocketChannel implements NodeChannel {
  readonly peerName: string;
  /** The lengths of the frames that the browser may not have sent yet, in order. */
  private unsent: number[] = [];
  private readonly incoming: ReceivingEnd<CoordinatorMessage>;

  /** @param socket that is open, and gives ArrayBuffers */
  constructor(
    private readonly socket: WebSocket,
    private readonly onHeard: () => void,
  ) {
    this.peerName = new URL(socket.url).host;
    this.incoming = new ReceivingEnd({
      decode: decodeCoordinatorMessage,
      closeForFault: (reason) => socket.close(PROTOCOL_VIOLATION, reason),
    });
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
    this.incoming.open(handlers);
    this.socket.addEventListener('message', ({ data }) => this.receive(data));
    this.socket.addEventListener('close', ({ reason }) => this.incoming.end(reason));
  }

  close(reason: string): void {
    this.socket.close(NORMAL_CLOSURE, closeReason(reason));
  }

  breach(reason: string): void {
    this.incoming.breach(reason);
  }

  /** The connection is of no use any more. */
  abandon(reason: string): void {
    this.incoming.fail(reason);
    this.socket.close();
    this.incoming.end(reason);
  }

  private receive(data: unknown): void {
    this.onHeard();
    this.incoming.receive(data instanceof ArrayBuffer ? new Uint8Array(data) : NO_FRAME);
  }
}
