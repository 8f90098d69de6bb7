/** A node without an engine, on a local channel: records what it receives, and sends what the test says. */

import type { Fleet } from '../../src/coordinator/index.js';
import { createLocalChannel } from '../../src/protocol/index.js';
import type {
  CoordinatorMessage,
  Evaluate,
  Hello,
  NodeChannel,
  NodeMessage,
  Parameters,
  Work,
} from '../../src/protocol/index.js';
import { evaluated, hello, result } from './messages.js';
import { settled } from './waiting.js';

export type Item = Work | Evaluate;

export class ScriptedNode {
  readonly received: CoordinatorMessage[] = [];
  readonly closings: string[] = [];
  private readonly channel: NodeChannel;

  constructor(fleet: Fleet, { local = false }: { local?: boolean } = {}) {
    const { coordinatorEnd, nodeEnd } = createLocalChannel('a test');
    this.channel = nodeEnd;
    nodeEnd.open({
      onMessage: (message) => {
        this.received.push(message);
        this.onMessage?.(message);
      },
      onClose: (reason) => this.closings.push(reason),
    });
    fleet.admit(coordinatorEnd, { local });
  }

  onMessage: ((message: CoordinatorMessage) => void) | undefined;

  send(...messages: NodeMessage[]): void {
    for (const message of messages) this.channel.send(message);
  }

  hangUp(reason = 'the connection was lost'): void {
    this.channel.close(reason);
  }

  get items(): Item[] {
    return this.received.filter((message) => message.type === 'work' || message.type === 'evaluate');
  }

  get states(): Parameters[] {
    return this.received.filter((message) => message.type === 'parameters');
  }

  /** The first message of a type, which must exist. */
  the<Type extends CoordinatorMessage['type']>(type: Type): Extract<CoordinatorMessage, { type: Type }> {
    const found = this.received.find((message) => message.type === type);
    if (!found)
      throw new Error(`no ${type} came; ${this.received.map((message) => message.type).join(', ')} did`);
    return found as Extract<CoordinatorMessage, { type: Type }>;
  }
}

/** A node after hello and welcome. */
export async function attached(
  fleet: Fleet,
  change: Partial<Hello> = {},
  place: { local?: boolean } = {},
): Promise<ScriptedNode> {
  const node = new ScriptedNode(fleet, place);
  node.send(hello(change));
  await settled();
  return node;
}

/** A plain answer to an item. */
export function answerTo(item: Item): NodeMessage {
  return item.type === 'work'
    ? result({ step: item.step, microBatch: item.microBatch })
    : evaluated({ evaluation: item.evaluation, chunk: item.chunk });
}
