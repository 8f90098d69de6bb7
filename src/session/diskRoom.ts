/** What cannot begin on a full disk, and can once there is room. */

import { setTimeout } from 'node:timers/promises';
import { LockstepError } from '../foundation/errors.js';

const RETRY_MS = 5_000;
/** From the system: no space, or none within the user's quota. */
const FULL: readonly unknown[] = ['ENOSPC', 'EDQUOT'];

export interface RoomOptions {
  /** Told once, before the first pause. */
  readonly onFull: (error: LockstepError) => void;
  readonly signal: AbortSignal;
  readonly pause?: () => Promise<void>;
}

/**
 * Tries again and again while the disk is full.
 * @throws whatever else the attempt throws; what `signal` says when aborted
 */
export async function whenThereIsRoom<Outcome>(
  attempt: () => Promise<Outcome>,
  { onFull, signal, pause = () => setTimeout(RETRY_MS, undefined, { signal }) }: RoomOptions,
): Promise<Outcome> {
  for (let isFirst = true; ; isFirst = false) {
    try {
      return await attempt();
    } catch (error) {
      if (!isDiskFull(error)) throw error;
      if (isFirst) onFull(error);
    }
    await pause().catch(() => undefined);
    signal.throwIfAborted();
  }
}

function isDiskFull(error: unknown): error is LockstepError {
  if (!(error instanceof LockstepError) || error.code !== 'E_IO') return false;
  return FULL.includes((error.cause as NodeJS.ErrnoException | undefined)?.code);
}
