/** Passes a coordinator's work on to nodes of its own, for as long as the run lasts. */

import type { EventListener } from '../coordinator/index.js';
import { BY_KEY, sentenceText } from '../foundation/options/optionError.js';
import { serveRelay } from '../relay/index.js';
import type { RelayOptions as Served } from '../relay/index.js';
import { openDoor } from './door.js';
import type { ListenOptions } from './door.js';

export interface RelayForOptions extends Omit<Served, 'open'> {
  /** Where the nodes of this relay attach. */
  readonly door: Omit<ListenOptions, 'page' | 'join'>;
  readonly onNotice: (message: string) => void;
}

/** @returns why the coordinator let this relay go @throws LockstepError as `serveRelay` */
export function relayFor({ door, onNotice, ...options }: RelayForOptions): Promise<string> {
  const onEvent: EventListener = options.onEvent;
  return serveRelay({
    ...options,
    open: (fleet, model) =>
      openDoor(fleet, model, { ...quiet(onNotice), onEvent }, { ...door, page: undefined, join: undefined }),
  });
}

/** A relay has no run folder and no page: nothing subscribes. */
function quiet(
  onNotice: (message: string) => void,
): Pick<Parameters<typeof openDoor>[2], 'say' | 'notice' | 'subscribe' | 'requestStop' | 'resumeCommand'> {
  const tell = (message: Parameters<Parameters<typeof openDoor>[2]['say']>[0]): void =>
    onNotice(sentenceText(message, BY_KEY));
  return {
    say: tell,
    notice: tell,
    subscribe: () => undefined,
    requestStop: undefined,
    resumeCommand: undefined,
  };
}
