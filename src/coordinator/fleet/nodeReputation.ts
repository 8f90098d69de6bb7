/**
 * How the nodes have behaved in this run. What can happen to an honest one is forgiven, as long as it does not go on:
 * a node that fails again and again, whose numbers others contradict, or that answers what it was not asked is refused,
 * and stays so, however often it comes back.
 *
 * A node is known by a secret that its process makes for itself. Nobody can be blamed for what another does under the same
 * name or from the same host. A process that starts anew is a new node: it may have been mended.
 */

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
/** Secrets are free to invent: the oldest acquaintances are forgotten. */
const REMEMBERED_NODES = 4096;

/** For whoever runs the worker. */
export const REFUSAL_REMEDY = 'mend that, then start the worker again';
/** It quotes the node, and must fit a message together with what is said around it. */
export const LONGEST_REFUSAL = 1500;

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

/** What is known of all nodes, those included that have left. */
export class ConductBook {
  private readonly nodes = new Map<string, Conduct>();

  /** @param nodeSecret what nobody but the node itself knows */
  of(nodeSecret: string): Conduct {
    const conduct = this.nodes.get(nodeSecret) ?? new Conduct();
    this.nodes.delete(nodeSecret);
    this.nodes.set(nodeSecret, conduct);
    if (this.nodes.size > REMEMBERED_NODES) this.nodes.delete(this.nodes.keys().next().value!);
    return conduct;
  }
}
