/** A machine of the cluster: its network card, and the event loop of its Lockstep process. */

import type { NetworkCard } from './networkCard.js';
import type { Processor } from './processor.js';

/** What handling messages costs an event loop. */
export interface MessageCosts {
  /** For each message, whatever its size. */
  readonly perMessageMs: number;
  /** Receiving, checking and adding a megabyte. */
  readonly perMegabyteInMs: number;
  /** Encoding and sending a megabyte. */
  readonly perMegabyteOutMs: number;
}

export interface Machine {
  readonly card: NetworkCard;
  readonly processor: Processor;
  readonly costs: MessageCosts;
}

const MEGABYTE = 1e6;

export function receivingMs({ perMessageMs, perMegabyteInMs }: MessageCosts, byteCount: number): number {
  return perMessageMs + (byteCount / MEGABYTE) * perMegabyteInMs;
}

export function sendingMs({ perMessageMs, perMegabyteOutMs }: MessageCosts, byteCount: number): number {
  return perMessageMs + (byteCount / MEGABYTE) * perMegabyteOutMs;
}
