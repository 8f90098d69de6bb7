/**
 * A bounded number of connections. When there is no room, the address that holds most of them loses its oldest one. So a
 * peer that floods the server displaces its own connections.
 */

import type { Socket } from 'node:net';
import { endpointsOf } from './connectionOutcomes.js';

interface Entry {
  readonly socket: Socket;
  readonly address: string;
  readonly timer: NodeJS.Timeout | undefined;
}

export interface CrowdLimits {
  readonly most: number;
  /** How long a connection may be among them; undefined: as long as it likes. */
  readonly timeoutMs?: number;
  /** Called before one is closed. */
  readonly onTimeout?: (socket: Socket) => void;
  readonly onDisplaced?: (socket: Socket) => void;
}

export class Crowd {
  /** By endpoints, in the order in which they came. */
  private readonly entries = new Map<string, Entry>();
  private readonly countOf = new Map<string, number>();

  constructor(private readonly limits: CrowdLimits) {}

  has(socket: Socket): boolean {
    return this.entries.has(endpointsOf(socket));
  }

  hasAddress(address: string): boolean {
    return this.countOf.has(address);
  }

  add(socket: Socket): void {
    const key = endpointsOf(socket);
    const address = socket.remoteAddress;
    if (address === undefined) return void socket.destroy(); // closed already
    if (this.entries.size >= this.limits.most) this.makeRoom();
    this.entries.set(key, { socket, address, timer: this.timerFor(socket) });
    this.countOf.set(address, (this.countOf.get(address) ?? 0) + 1);
    socket.once('close', () => {
      if (this.entries.get(key)?.socket === socket) this.forget(key); // else it has moved on
    });
  }

  /** @param socket with TLS, either of the two */
  remove(socket: Socket): void {
    this.forget(endpointsOf(socket));
  }

  closeAll(): void {
    for (const { socket } of [...this.entries.values()]) socket.destroy();
  }

  private forget(key: string): void {
    const entry = this.entries.get(key);
    if (!entry) return;
    clearTimeout(entry.timer);
    this.entries.delete(key);
    const left = this.countOf.get(entry.address)! - 1;
    if (left > 0) this.countOf.set(entry.address, left);
    else this.countOf.delete(entry.address);
  }

  private timerFor(socket: Socket): NodeJS.Timeout | undefined {
    const { timeoutMs, onTimeout } = this.limits;
    if (timeoutMs === undefined) return undefined;
    return setTimeout(() => {
      onTimeout?.(socket);
      socket.destroy();
    }, timeoutMs);
  }

  private makeRoom(): void {
    let [busiest, most] = ['', 0];
    for (const [address, count] of this.countOf) if (count > most) [busiest, most] = [address, count];
    for (const [key, { socket, address }] of this.entries) {
      if (address !== busiest) continue;
      this.forget(key);
      this.limits.onDisplaced?.(socket);
      socket.destroy();
      return;
    }
  }
}
