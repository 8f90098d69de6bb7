/** Attaches a relay to a coordinator, or to another relay, and keeps it attached. */

import type { EventListener, Fleet } from '../coordinator/index.js';
import type { Model } from '../model/index.js';
import type { Welcome } from '../protocol/index.js';
import { stayConnected } from '../worker/index.js';
import type { ConnectionOptions, ConversationEnd } from '../worker/index.js';
import { Crew } from './crew.js';
import type { Entrance } from './crew.js';
import { RelayConversation } from './relayConversation.js';

export interface RelayOptions extends ConnectionOptions {
  readonly nodeName: string;
  /** Lets nodes into the fleet of a run. Called again, once the entrance before is closed, for another run. */
  readonly open: (fleet: Fleet, model: Model) => Promise<Entrance>;
  /** Told of nodes that come, leave and are refused. */
  readonly onEvent: EventListener;
  readonly onWelcome?: (welcome: Welcome, model: Model) => void;
}

const STOPPED = 'the relay has stopped; it may come back';

/**
 * Serves until the run has ended, the coordinator dismisses the relay, or `signal` is aborted.
 * @returns why it ended
 * @throws LockstepError as `stayConnected`; E_LISTEN if nodes cannot be let in
 */
export async function serveRelay(options: RelayOptions): Promise<string> {
  let fail: (error: unknown) => void = () => undefined;
  const failed = new Promise<never>((_, reject) => (fail = reject));
  const crew = new Crew({ open: options.open, onEvent: options.onEvent, onFailure: fail });
  const stop = new AbortController();
  const signal = AbortSignal.any([options.signal, stop.signal]);
  let lastEnd: ConversationEnd | undefined;
  const serving = stayConnected({ ...options, signal }, (channel, nodeSecret) => {
    const { nodeName, onWelcome } = options;
    const conversation = new RelayConversation({ channel, nodeSecret, nodeName, crew, onWelcome });
    void conversation.ended.then((end) => (lastEnd = end));
    return conversation;
  });
  try {
    return await Promise.race([serving, failed]);
  } finally {
    stop.abort();
    serving.catch(() => undefined);
    const runEnded = lastEnd?.kind === 'run-ended';
    await crew.leave(runEnded ? lastEnd!.reason : STOPPED, { runEnded });
  }
}
