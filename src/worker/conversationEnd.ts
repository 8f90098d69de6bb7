/** How a conversation ends, and so what the node does next. */

import type { Sentence } from '../foundation/options/optionError.js';
import type { Bye, RefusalCode, Refused } from '../protocol/index.js';

export type ConversationEnd =
  | { readonly kind: 'run-ended'; readonly reason: string }
  /** The node asked to leave, and may. */
  | { readonly kind: 'dismissed'; readonly reason: string }
  | {
      readonly kind: 'refused';
      readonly code: RefusalCode;
      readonly reason: string;
      /** What the user of this node can do about it. */
      readonly remedy?: Sentence;
      /** The classes of the run, if the node's own is another and it asked not to take part then. */
      readonly numericsClasses?: readonly string[];
    }
  /** The node tries to connect again. */
  | { readonly kind: 'lost'; readonly reason: string };

/**
 * @param lastMessage with which either side ended the conversation; undefined if the connection was lost
 * @param draining whether the node had asked to leave: if not, a `bye` during the run means that the coordinator may return
 */
export function endOf(
  lastMessage: Bye | Refused | undefined,
  reason: string,
  draining: boolean,
): ConversationEnd {
  if (!lastMessage) return { kind: 'lost', reason };
  if (lastMessage.type === 'refused') {
    const { numericsClasses } = lastMessage;
    return {
      ...{ kind: 'refused', code: refusalCodeOf(lastMessage), reason: lastMessage.reason },
      ...(numericsClasses && { numericsClasses }),
    };
  }
  if (lastMessage.runEnded) return { kind: 'run-ended', reason: lastMessage.reason };
  return { kind: draining ? 'dismissed' : 'lost', reason: lastMessage.reason };
}

function refusalCodeOf({ code }: Refused): RefusalCode {
  return code === 'E_PROTOCOL' ? code : 'E_REFUSED';
}
