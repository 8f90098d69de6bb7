/**
 * Limits how many connections may be open, and for how long before they belong to a node. A connection is pending until
 * its upgrade: it has a few seconds for TLS, the request and the token, and is closed then, whatever it sends.
 *
 * When the slots for pending connections run out, the address that holds most of them loses its oldest one. So a peer
 * that floods the server displaces its own connections. An honest node still gets in: its handshake takes milliseconds.
 */

import type { Socket } from 'node:net';
import { endpointsOf } from './connectionOutcomes.js';

export interface SlotLimits {
  /** Nodes attached at the same time. */
  readonly maxNodes: number;
  /** Connections before their upgrade. */
  readonly maxPending: number;
  /** Time from the TCP connection to the upgrade. */
  readonly handshakeTimeoutMs: number;
}

interface PendingConnection {
  readonly socket: Socket;
  readonly address: string;
  readonly timer: NodeJS.Timeout;
}

export class ConnectionSlots {
  /** In the order in which they were opened. */
  private readonly pending = new Map<string, PendingConnection>();
  private readonly pendingOf = new Map<string, number>();
  private nodes = 0;

  /** @param onClose called before a pending connection is closed: its time is over, or it loses its slot */
  constructor(
    private readonly limits: SlotLimits,
    private readonly onClose: (socket: Socket, reason: string) => void,
  ) {}

  get pendingCount(): number {
    return this.pending.size;
  }

  get nodeCount(): number {
    return this.nodes;
  }

  get isFull(): boolean {
    return this.nodes >= this.limits.maxNodes;
  }

  /** A TCP connection has been accepted; with TLS, before its handshake. */
  open(socket: Socket): void {
    const key = endpointsOf(socket);
    const address = socket.remoteAddress;
    if (address === undefined) return void socket.destroy(); // closed already
    if (this.pending.size >= this.limits.maxPending) this.makeRoom();
    const { handshakeTimeoutMs } = this.limits;
    const timer = setTimeout(() => {
      this.onClose(socket, `not connected as a worker within ${handshakeTimeoutMs / 1000} s`);
      socket.destroy();
    }, handshakeTimeoutMs);
    this.pending.set(key, { socket, address, timer });
    this.pendingOf.set(address, (this.pendingOf.get(address) ?? 0) + 1);
    socket.once('close', () => this.forget(key, socket));
  }

  /** The connection now belongs to a node. @param socket the upgraded socket: with TLS, the one around the TCP socket */
  upgrade(socket: Socket): void {
    this.forget(endpointsOf(socket));
    this.nodes++;
    socket.once('close', () => this.nodes--);
  }

  /** Closes all pending connections. */
  closePending(): void {
    for (const { socket } of [...this.pending.values()]) socket.destroy();
  }

  private makeRoom(): void {
    let [busiest, most] = ['', 0];
    for (const [address, count] of this.pendingOf) if (count > most) [busiest, most] = [address, count];
    for (const [key, { socket, address }] of this.pending) {
      if (address !== busiest) continue;
      this.forget(key);
      this.onClose(socket, 'too many connections before their upgrade');
      socket.destroy();
      return;
    }
  }

  private forget(key: string, socket?: Socket): void {
    const connection = this.pending.get(key);
    if (!connection || (socket && connection.socket !== socket)) return;
    clearTimeout(connection.timer);
    this.pending.delete(key);
    const left = this.pendingOf.get(connection.address)! - 1;
    if (left > 0) this.pendingOf.set(connection.address, left);
    else this.pendingOf.delete(connection.address);
  }
}
