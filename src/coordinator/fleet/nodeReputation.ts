/**
 * Each node's record of faults in this run. Faults that an honest node may have are forgiven, up to a limit. A node is
 * refused, however often it reconnects, if it keeps failing, if other nodes contradict its results, if it answers items
 * that it was not given, or if it sends invalid frames.
 *
 * A node is identified by a secret that its process makes. So no node is blamed for what another one does under the same
 * name or from the same host. A process that restarts is a new node: its fault may have been repaired.
 */

/** Failures in a row, for each thread of a node: one cause may make all threads fail. An answer resets the count. */
const FAILURES_ALLOWED = 3;
/** Results that are not finite for items where another node's result is finite. */
const CONTRADICTIONS_ALLOWED = 3;
/** Invalid frames. Each one ends a connection. */
const BAD_FRAMES_ALLOWED = 3;
/** Answers to items that the node was not given, or has already answered. Honest nodes send none. */
const UNASKED_ANSWERS_ALLOWED = 16;
/** This many good answers in a row clear a node's record. */
const ANSWERS_TO_FORGIVE = 1000;
/** Anyone can invent secrets, so the records of the nodes seen longest ago are dropped beyond this number. */
const MAX_NODES = 4096;

/** Told to the person who runs the worker. */
export const REFUSAL_REMEDY = 'fix that, then restart the worker';
/** A refusal quotes the node. It must fit a message together with the text around it. */
export const MAX_REFUSAL_LENGTH = 1500;

type Fault = 'failed' | 'contradicted' | 'unasked' | 'badFrame';

/** The record of one node. */
export class NodeReputation {
  private faults = noFaults();
  private answersInARow = 0;
  /** Why the node is refused; undefined while it is not. */
  refusal: string | undefined;

  answered(): void {
    this.faults.failed = 0;
    if (++this.answersInARow < ANSWERS_TO_FORGIVE) return;
    this.faults = noFaults();
    this.answersInARow = 0;
  }

  /** It could not compute an item. @returns why the node is refused now; undefined if the fault is still forgiven */
  failed(reason: string, threads: number): string | undefined {
    const allowed = FAILURES_ALLOWED * threads;
    return this.blame('failed', allowed) && `it failed ${allowed} times in a row: ${reason}`;
  }

  /** Its result was not finite; another node's result for the same item is. @returns as `failed` does */
  contradicted(): string | undefined {
    return (
      this.blame('contradicted', CONTRADICTIONS_ALLOWED) &&
      `${CONTRADICTIONS_ALLOWED} of its results were not finite, and other nodes' results for the same items are`
    );
  }

  /** It answered an item that it was not given. @returns as `failed` does */
  answeredUnasked(): string | undefined {
    return (
      this.blame('unasked', UNASKED_ANSWERS_ALLOWED) &&
      `${UNASKED_ANSWERS_ALLOWED} of its answers were to items that it was not given`
    );
  }

  /** It sent an invalid frame. @returns as `failed` does */
  sentBadFrame(reason: string): string | undefined {
    return (
      this.blame('badFrame', BAD_FRAMES_ALLOWED) &&
      `it sent ${BAD_FRAMES_ALLOWED} invalid frames, the last one: ${reason}`
    );
  }

  private blame(fault: Fault, allowed: number): true | undefined {
    this.answersInARow = 0;
    return ++this.faults[fault] >= allowed || undefined;
  }
}

function noFaults(): Record<Fault, number> {
  return { failed: 0, contradicted: 0, unasked: 0, badFrame: 0 };
}

/** The records of all nodes, including those that have left. */
export class NodeReputations {
  private readonly nodes = new Map<string, NodeReputation>();

  /** @param nodeSecret known to nobody but the node itself */
  of(nodeSecret: string): NodeReputation {
    const reputation = this.nodes.get(nodeSecret) ?? new NodeReputation();
    this.nodes.delete(nodeSecret);
    this.nodes.set(nodeSecret, reputation);
    if (this.nodes.size > MAX_NODES) this.nodes.delete(this.nodes.keys().next().value!);
    return reputation;
  }
}
