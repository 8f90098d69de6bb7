/** What the run of this process does, in a word or two. */

import type { LiveView } from '../../../watch/live/api.js';
import { stateText } from '../../../watch/folders/wording.js';

export function phaseText({ phase, isStopping, waitingFor, stoppedBy }: LiveView): string {
  if (phase === 'ended') return endText(stoppedBy);
  if (isStopping) return 'stopping';
  return phase === 'waiting' ? `waiting ${waitingFor ?? ''}` : phase;
}

function endText(stoppedBy: string | null): string {
  if (stoppedBy === null) return 'ended by an error';
  return stoppedBy === 'signal' ? 'stopped' : stateText('finished', stoppedBy);
}
