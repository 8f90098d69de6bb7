/**
 * How many may stand at the door, and for how long. A connection is a stranger's until its upgrade: it has a few
 * seconds for TLS, the request and the token, whatever it sends or does not send meanwhile, and then it is cut off.
 *
 * When the places for strangers run out, the address that holds most of them gives its oldest one up. So whoever floods
 * the door pushes out its own connections, and an honest node, whose handshake takes milliseconds, still gets in.
 */

import type { Socket } from 'node:net';
import { endsOf } from './connectionOutcomes.js';

export interface PlaceLimits {
  /** Nodes attached at the same time. */
  readonly maxNodes: number;
  /** Connections that have not become a node's yet. */
  readonly maxStrangers: number;
  /** From the connection to the upgrade. */
  readonly handshakeTimeoutMs: number;
}

interface Stranger {
  readonly socket: Socket;
  readonly address: string;
  readonly timer: NodeJS.Timeout;
}

export class DoorPlaces {
  /** In the order of their coming. */
  private readonly strangers = new Map<string, Stranger>();
  private readonly strangersOf = new Map<string, number>();
  private nodes = 0;

  /** @param onCutOff told of strangers whose time is over, and of those who must give way, before they are cut off */
  constructor(
    private readonly limits: PlaceLimits,
    private readonly onCutOff: (socket: Socket, reason: string) => void,
  ) {}

  get strangerCount(): number {
    return this.strangers.size;
  }

  get nodeCount(): number {
    return this.nodes;
  }

  get isFull(): boolean {
    return this.nodes >= this.limits.maxNodes;
  }

  /** A TCP connection has been accepted; with TLS, before its handshake. */
  arrive(socket: Socket): void {
    const key = endsOf(socket);
    const address = socket.remoteAddress;
    if (address === undefined) return void socket.destroy(); // gone already
    if (this.strangers.size >= this.limits.maxStrangers) this.makeRoom();
    const { handshakeTimeoutMs } = this.limits;
    const timer = setTimeout(() => {
      this.onCutOff(socket, `not connected as a worker within ${handshakeTimeoutMs / 1000} s`);
      socket.destroy();
    }, handshakeTimeoutMs);
    this.strangers.set(key, { socket, address, timer });
    this.strangersOf.set(address, (this.strangersOf.get(address) ?? 0) + 1);
    socket.once('close', () => this.forget(key, socket));
  }

  /** The connection has become a node's. @param socket the upgraded one: with TLS the one around that which arrived */
  enter(socket: Socket): void {
    this.forget(endsOf(socket));
    this.nodes++;
    socket.once('close', () => this.nodes--);
  }

  /** Cuts off whoever is still a stranger. */
  closeStrangers(): void {
    for (const { socket } of [...this.strangers.values()]) socket.destroy();
  }

  private makeRoom(): void {
    let [busiest, most] = ['', 0];
    for (const [address, count] of this.strangersOf) if (count > most) [busiest, most] = [address, count];
    for (const [key, { socket, address }] of this.strangers) {
      if (address !== busiest) continue;
      this.forget(key);
      this.onCutOff(socket, 'too many connections that are no worker’s yet');
      socket.destroy();
      return;
    }
  }

  private forget(key: string, socket?: Socket): void {
    const stranger = this.strangers.get(key);
    if (!stranger || (socket && stranger.socket !== socket)) return;
    clearTimeout(stranger.timer);
    this.strangers.delete(key);
    const left = this.strangersOf.get(stranger.address)! - 1;
    if (left > 0) this.strangersOf.set(stranger.address, left);
    else this.strangersOf.delete(stranger.address);
  }
}
