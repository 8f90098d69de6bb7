/**
 * What bare `ws` pays for the same traffic: a server that sends a frame to each connection and gets one of the same size
 * from each, and does nothing with it. What a coordinator pays beyond that is Lockstep's own.
 */

import { fork } from 'node:child_process';
import { once } from 'node:events';

export interface BareOptions {
  readonly connections: number;
  readonly frameBytes: number;
  readonly warmUpRounds: number;
  readonly rounds: number;
  /** For the other ends. */
  readonly processes: number;
}

export type BareReport =
  | { readonly kind: 'listening'; readonly port: number }
  | { readonly kind: 'done'; readonly userMs: number; readonly systemMs: number };

/** @returns processor time of the server for each frame that it received, and the one that it sent for it, in ms */
export async function measureBareWebSocket(options: BareOptions): Promise<number> {
  const { connections, frameBytes, rounds, processes } = options;
  const server = fork(new URL('bareServer.js', import.meta.url), [JSON.stringify(options)]);
  const children = [server];
  const next = async (): Promise<BareReport> => ((await once(server, 'message')) as [BareReport])[0];
  try {
    const listening = await next();
    if (listening.kind !== 'listening') throw new Error('the server does not listen');
    for (let index = 0; index < processes; index++) {
      const count = Math.floor((connections + index) / processes);
      children.push(
        fork(new URL('bareClients.js', import.meta.url), [listening.port, count, frameBytes].map(String)),
      );
    }
    const done = await next();
    return done.kind === 'done' ? (done.userMs + done.systemMs) / (connections * rounds) : NaN;
  } finally {
    for (const child of children) child.kill('SIGKILL');
  }
}
