/** Checks a node's first message: it decides whether the node may take part. */

import { PROTOCOL_VERSION } from '../../protocol/index.js';
import type { Hello, NodeMessage, Welcome } from '../../protocol/index.js';

export type FirstMessage =
  | { readonly kind: 'hello'; readonly hello: Hello; readonly nodeSecret: string }
  | { readonly kind: 'refused'; readonly code: string; readonly reason: string };

/** Both sides must run the same version: other code may give other bits in the same numerics class. */
export function checkFirstMessage(message: NodeMessage, { lockstepVersion }: Welcome): FirstMessage {
  if (message.type !== 'hello') return refused(`${message.type} came before hello`);
  if (message.protocolVersion !== PROTOCOL_VERSION) {
    const versions = `node ${message.protocolVersion}, coordinator ${PROTOCOL_VERSION}`;
    return refused(
      `the protocol versions differ (${versions}); run the same Lockstep version on both machines`,
    );
  }
  if (message.lockstepVersion !== lockstepVersion) {
    const versions = `node ${message.lockstepVersion}, coordinator ${lockstepVersion}`;
    return refused(`the Lockstep versions differ (${versions}); run the same version on both machines`);
  }
  const { nodeSecret } = message;
  if (nodeSecret === undefined) return refused('hello came without a secret');
  return { kind: 'hello', hello: message, nodeSecret };
}

function refused(reason: string): FirstMessage {
  return { kind: 'refused', code: 'E_PROTOCOL', reason };
}
