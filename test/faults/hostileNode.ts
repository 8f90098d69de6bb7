/**
 * A node in the test's own process, on a real socket: the worker's own conversation and threads, with a channel in
 * between that may change, add or withhold what the node says. With no such tampering it is an honest node.
 */

import type { Socket } from 'node:net';
import { WebSocket } from 'ws';
import type { EngineDescription } from '../../src/engine/index.js';
import { ENDPOINT_PATH, nodeChannel } from '../../src/protocol/index.js';
import type {
  Broadcast,
  ChannelHandlers,
  CoordinatorMessage,
  NodeChannel,
  NodeMessage,
  Work,
} from '../../src/protocol/index.js';
import { ComputePool } from '../../src/worker/index.js';
import { Conversation } from '../../src/worker/conversation.js';
import type { ConversationEnd } from '../../src/worker/conversationEnd.js';
import { secretOf } from '../support/messages.js';
import { pause } from './support/within.js';

/** What the node has been told so far, for a tamperer to draw on. */
export interface Memory {
  /** Every micro-batch that it was given, in order. */
  readonly given: readonly Work[];
  /** Every micro-batch that it has computed before the one in question. */
  readonly answered: readonly { readonly step: number; readonly microBatch: number }[];
}

/** A message, or bytes that are none. */
export type Outgoing = NodeMessage | { readonly raw: Uint8Array };

/** @returns what is sent in the message's place */
export type Tamper = (message: NodeMessage, memory: Memory) => readonly Outgoing[];

export const honest: Tamper = (message) => [message];

/** Threads that all nodes of the test's process share: each says that it has so many workers. */
export class SharedThreads {
  private constructor(
    readonly pool: ComputePool,
    readonly description: EngineDescription,
  ) {}

  static async start(threads: number): Promise<SharedThreads> {
    const pool = new ComputePool({ name: 'simd' }, threads);
    return new SharedThreads(pool, await pool.describe());
  }

  close(): Promise<void> {
    return this.pool.close();
  }
}

export interface TestNodeOptions {
  readonly name: string;
  readonly threads: SharedThreads;
  /** Where the coordinator is, asked before each connection; it may come back elsewhere. */
  readonly url: () => string;
  readonly tamper?: Tamper;
}

const RETRY_MS = 50;

export class TestNode {
  /** How each conversation ended. */
  readonly ends: ConversationEnd[] = [];
  private socket: WebSocket | undefined;
  private isOver = false;
  private readonly served: Promise<void>;

  constructor(private readonly options: TestNodeOptions) {
    this.served = this.serve();
  }

  /** Hangs up without a word, and does not come back. */
  vanish(): void {
    this.isOver = true;
    this.socket?.terminate();
  }

  /** Resolves when it has stopped for good: dismissed, refused, or vanished. */
  gone(): Promise<void> {
    return this.served;
  }

  private async serve(): Promise<void> {
    while (!this.isOver) {
      const end = await this.connect();
      if (end) this.ends.push(end);
      if (end && end.kind !== 'lost' && !mayReturn(end)) return;
      await pause(RETRY_MS);
    }
  }

  private connect(): Promise<ConversationEnd | undefined> {
    const { url, name, threads, tamper = honest } = this.options;
    const socket = new WebSocket(new URL(ENDPOINT_PATH, url()), {
      perMessageDeflate: false,
    });
    this.socket = socket;
    return new Promise((resolve) => {
      let transport: Socket;
      socket.once('error', () => resolve(undefined));
      socket.once('unexpected-response', (request) => {
        request.destroy();
        resolve(undefined);
      });
      socket.once('upgrade', (response) => (transport = response.socket));
      socket.once('open', () => {
        const channel = new TamperedChannel(
          nodeChannel(socket, 'the coordinator', transport),
          socket,
          tamper,
        );
        const { pool, description } = threads;
        void new Conversation({
          channel,
          pool,
          description,
          nodeName: name,
          nodeSecret: secretOf(name),
        }).ended.then(resolve);
      });
    });
  }
}

/** An intruder does not mind being shown the door, until it is told that this is for good. */
function mayReturn(end: ConversationEnd): boolean {
  return end.kind === 'refused' && !end.reason.includes('refused before');
}

class TamperedChannel implements NodeChannel {
  private readonly given: Work[] = [];
  private readonly answered: { readonly step: number; readonly microBatch: number }[] = [];

  constructor(
    private readonly inner: NodeChannel,
    private readonly socket: WebSocket,
    private readonly tamper: Tamper,
  ) {}

  get peerName(): string {
    return this.inner.peerName;
  }

  get unsentCount(): number {
    return this.inner.unsentCount;
  }

  breach(reason: string): void {
    this.inner.breach(reason);
  }

  send(message: NodeMessage | Broadcast<NodeMessage>): void {
    const plain = 'message' in message ? message.message : message;
    const outgoings = this.tamper(plain, { given: this.given, answered: this.answered });
    if (plain.type === 'result') this.answered.push({ step: plain.step, microBatch: plain.microBatch });
    for (const outgoing of outgoings) {
      if (!('raw' in outgoing)) this.inner.send(outgoing);
      else if (this.socket.readyState === WebSocket.OPEN) this.socket.send(outgoing.raw);
    }
  }

  open(handlers: ChannelHandlers<CoordinatorMessage>): void {
    this.inner.open({
      onMessage: (message) => {
        if (message.type === 'work') this.given.push(message);
        handlers.onMessage(message);
      },
      onClose: (reason) => handlers.onClose(reason),
    });
  }

  close(reason: string): void {
    this.inner.close(reason);
  }
}
