/**
 * Limits how many connections may be open, and for how long before it is known what they are. A connection is pending
 * until its upgrade to a node, or its first request for a page: it has a few seconds for TLS, the request and the token, and
 * is closed then, whatever it sends. An honest node still gets in when others flood the server: its handshake takes
 * milliseconds.
 */

import type { Socket } from 'node:net';
import { Crowd } from './crowd.js';

export interface SlotLimits {
  /** Nodes attached at the same time. */
  readonly maxNodes: number;
  /** Connections before their upgrade. */
  readonly maxPending: number;
  /** Connections that ask for pages. */
  readonly maxViewers: number;
  /** Time from the TCP connection to the upgrade. */
  readonly handshakeTimeoutMs: number;
}

export class ConnectionSlots {
  private readonly pending: Crowd;
  private readonly viewers: Crowd;
  private nodes = 0;

  /** @param onClose called before a pending connection is closed: its time is over, or it loses its slot */
  constructor(
    private readonly limits: SlotLimits,
    onClose: (socket: Socket, reason: string) => void,
  ) {
    const { maxPending, maxViewers, handshakeTimeoutMs } = limits;
    this.pending = new Crowd({
      most: maxPending,
      timeoutMs: handshakeTimeoutMs,
      onTimeout: (socket) => {
        // Browsers open connections in advance, and may never use them.
        if (this.viewers.hasAddress(socket.remoteAddress ?? '')) return;
        onClose(socket, `not connected as a worker within ${handshakeTimeoutMs / 1000} s`);
      },
      onDisplaced: (socket) => onClose(socket, 'too many connections before their upgrade'),
    });
    this.viewers = new Crowd({ most: maxViewers });
  }

  get isFull(): boolean {
    return this.nodes >= this.limits.maxNodes;
  }

  /** A TCP connection has been accepted; with TLS, before its handshake. */
  open(socket: Socket): void {
    this.pending.add(socket);
  }

  /** The connection now belongs to a node. @param socket the upgraded socket: with TLS, the one around the TCP socket */
  upgrade(socket: Socket): void {
    this.pending.remove(socket);
    this.viewers.remove(socket);
    this.nodes++;
    socket.once('close', () => this.nodes--);
  }

  /** The connection asks for a page. @param socket as for `upgrade` */
  view(socket: Socket): void {
    if (this.viewers.has(socket)) return;
    this.pending.remove(socket);
    this.viewers.add(socket);
  }

  /** Closes all connections that belong to no node. */
  closeOthers(): void {
    this.pending.closeAll();
    this.viewers.closeAll();
  }
}
