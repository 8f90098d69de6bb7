/**
 * What a channel over a WebSocket does with what it receives, in Node and in a page: decodes each frame, ends the connection
 * at the first that is invalid, and tells the end once.
 */

import { describeError } from '../foundation/errors.js';
import type { AnyMessage, ChannelHandlers } from './channel.js';

export interface ReceivingEndOptions<Incoming extends AnyMessage> {
  /** @throws LockstepError E_PROTOCOL for an invalid frame */
  readonly decode: (frame: Uint8Array) => Incoming;
  /** Begins to close the socket. @param reason short enough for a close frame */
  readonly closeForFault: (reason: string) => void;
}

export class ReceivingEnd<Incoming extends AnyMessage> {
  private handlers: ChannelHandlers<Incoming> | undefined;
  private failure: string | undefined;

  constructor(private readonly options: ReceivingEndOptions<Incoming>) {}

  /** Whether nothing that arrives is wanted any more. */
  get hasFailed(): boolean {
    return this.failure !== undefined;
  }

  open(handlers: ChannelHandlers<Incoming>): void {
    this.handlers = handlers;
  }

  receive(frame: Uint8Array): void {
    if (this.hasFailed) return;
    let message: Incoming;
    try {
      message = this.options.decode(frame);
    } catch (error) {
      return this.breach(describeError(error));
    }
    this.handlers?.onMessage(message);
  }

  /** Tells the end at once: a peer that breaks the protocol may never answer the closing handshake. */
  breach(reason: string): void {
    if (this.hasFailed) return;
    this.failure = reason;
    this.options.closeForFault(closeReason(reason));
    this.tell(reason, 'bad-frame');
  }

  /** The connection is lost, and why. The first reason counts, and is told with the end. */
  fail(reason: string): void {
    this.failure ??= reason;
  }

  /** The socket is closed, or of no use. @param reason of the peer, if it has given one */
  end(reason: string): void {
    this.tell(this.failure ?? (reason || 'the connection was lost'));
  }

  private tell(reason: string, fault?: 'bad-frame'): void {
    const { handlers } = this;
    this.handlers = undefined;
    handlers?.onClose(reason, fault);
  }
}

/** RFC 6455 section 5.5: a control frame's payload, less the code. */
const CLOSE_REASON_BYTES = 123;

/** As much of a reason as a close frame holds. */
export function closeReason(reason: string): string {
  const bytes = new TextEncoder().encode(reason).subarray(0, CLOSE_REASON_BYTES);
  return new TextDecoder().decode(bytes).replace(/\uFFFD$/, '');
}
