/**
 * How the nodes have behaved in this run. What can happen to an honest one is forgiven, as long as it does not go on:
 * a node that fails again and again, whose numbers others contradict, or that answers what it was not asked is refused,
 * and stays so under that name and address, however often it comes back.
 *
 * A node is known by its name together with its host; neither can be proven beyond the token, which all nodes share.
 */

import { hostOf } from './peerHost.js';

/** Failures in a row of each of a node's threads, which may all meet the same mishap; an answer ends the row. */
const FAILURES_ALLOWED = 3;
/** Results that are not finite, where another node's are. */
const CONTRADICTIONS_ALLOWED = 3;
/** Frames that do not fit the protocol, each of which ends a connection. */
const BAD_FRAMES_ALLOWED = 3;
/** Answers to what was never asked, or answered already. Honest nodes give none. */
const STRAYS_ALLOWED = 16;
/** So many good answers in a row wipe out what came before. */
const ANSWERS_TO_FORGIVE = 1000;
/** Names are free to invent: those of the oldest acquaintances are forgotten. */
const REMEMBERED_NODES = 4096;
/** A host whose nodes go on being refused, under new names: further ones are put off for so long, twice as long each time. */
const HOST_PAUSE_MS = 10_000;
const LONGEST_HOST_PAUSE_MS = 600_000;

type Fault = 'failed' | 'contradicted' | 'strayed' | 'badFrame';

/** What one node has done. */
export class Conduct {
  private faults: Record<Fault, number> = { failed: 0, contradicted: 0, strayed: 0, badFrame: 0 };
  private answersInARow = 0;
  /** Why it is refused; undefined as long as it is not. */
  refusal: string | undefined;

  answered(): void {
    this.faults.failed = 0;
    if (++this.answersInARow < ANSWERS_TO_FORGIVE) return;
    this.faults = { failed: 0, contradicted: 0, strayed: 0, badFrame: 0 };
    this.answersInARow = 0;
  }

  /** @returns why the node is to be refused now; undefined if this is still forgiven */
  failed(reason: string, threads: number): string | undefined {
    const allowed = FAILURES_ALLOWED * threads;
    return this.blame('failed', allowed) && `it failed ${allowed} times in a row: ${reason}`;
  }

  /** Its result was not finite, and another node's for the same item is. @returns as `failed` does */
  contradicted(): string | undefined {
    return (
      this.blame('contradicted', CONTRADICTIONS_ALLOWED) &&
      `${CONTRADICTIONS_ALLOWED} of its results were not finite, where other nodes found finite ones`
    );
  }

  /** It answered what it was not asked. @returns as `failed` does */
  strayed(): string | undefined {
    return (
      this.blame('strayed', STRAYS_ALLOWED) &&
      `${STRAYS_ALLOWED} of its answers were to items that it was not asked for`
    );
  }

  /** A frame of its did not fit the protocol. @returns as `failed` does */
  sentBadFrame(reason: string): string | undefined {
    return (
      this.blame('badFrame', BAD_FRAMES_ALLOWED) &&
      `${BAD_FRAMES_ALLOWED} of its frames broke the protocol, the last one: ${reason}`
    );
  }

  private blame(fault: Fault, allowed: number): true | undefined {
    this.answersInARow = 0;
    return ++this.faults[fault] >= allowed || undefined;
  }
}

export type Admission =
  | { readonly kind: 'admitted'; readonly conduct: Conduct }
  | { readonly kind: 'refused'; readonly reason: string }
  /** Not now; the node comes back by itself. */
  | { readonly kind: 'later'; readonly reason: string };

/** What is known of all nodes, those included that have left. */
export class ConductBook {
  private readonly nodes = new Map<string, Conduct>();
  private readonly hosts = new Map<string, { refusals: number; pausedUntilMs: number }>();

  /** @param peerName the channel's name for the other side: its host and port */
  admission(nodeName: string, peerName: string, nowMs: number): Admission {
    const host = hostOf(peerName);
    const key = `${nodeName}@${host}`;
    const known = this.nodes.get(key);
    if (known?.refusal !== undefined) {
      return { kind: 'refused', reason: `it was refused before in this run: ${known.refusal}` };
    }
    const waitMs = (this.hosts.get(host)?.pausedUntilMs ?? 0) - nowMs;
    if (waitMs > 0) {
      const reason = `nodes of this host were refused again and again; try again in ${Math.ceil(waitMs / 1000)} s`;
      return { kind: 'later', reason };
    }
    const conduct = known ?? new Conduct();
    remember(this.nodes, key, conduct);
    return { kind: 'admitted', conduct };
  }

  refuse(conduct: Conduct, peerName: string, reason: string, nowMs: number): void {
    conduct.refusal = reason;
    const host = hostOf(peerName);
    const refusals = (this.hosts.get(host)?.refusals ?? 0) + 1;
    // The first may be one bad machine among many behind the same address.
    const pauseMs = refusals === 1 ? 0 : Math.min(HOST_PAUSE_MS * 2 ** (refusals - 2), LONGEST_HOST_PAUSE_MS);
    remember(this.hosts, host, { refusals, pausedUntilMs: nowMs + pauseMs });
  }
}

function remember<Value>(memory: Map<string, Value>, key: string, value: Value): void {
  memory.delete(key);
  memory.set(key, value);
  if (memory.size > REMEMBERED_NODES) memory.delete(memory.keys().next().value!);
}
