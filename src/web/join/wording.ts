/** The page's sentences. */

import type { Phase } from './participation.js';
import { isOfOtherVersion } from './renewal.js';

export interface Told {
  readonly headline: string;
  readonly detail: string;
  readonly mood: 'good' | 'bad' | 'plain';
}

export function tell(phase: Phase, { images }: { readonly images: number }): Told {
  switch (phase.kind) {
    case 'idle':
      return images > 0
        ? plain('This tab has left the run', 'What it computed is part of the run. You can close the tab.')
        : plain(
            'Let this tab compute for the run',
            'It downloads images, computes gradients and sends them back, with the same bits as any other worker. ' +
              'Close the tab whenever you like: the run loses nothing.',
          );
    case 'loading':
      return plain('Loading the engine…');
    case 'connecting':
      return plain('Calling the coordinator…');
    case 'computing':
      return {
        headline: `Computing for ${phase.runName}`,
        detail: 'It goes on while you use other tabs.',
        mood: 'good',
      };
    case 'lost':
      return plain('Waiting for the coordinator', `${sentence(phase.reason)} It is called again by itself.`);
    case 'stopping':
      return plain('Finishing what is in progress…');
    case 'paused':
      return phase.why === 'battery'
        ? plain('Paused: on battery', 'It goes on when the device is charged.')
        : plain('Paused', 'Others compute meanwhile.');
    case 'over':
      return tellEnd(phase.end);
  }
}

function tellEnd(end: Extract<Phase, { kind: 'over' }>['end']): Told {
  switch (end.kind) {
    case 'run-ended':
      return { headline: 'The run has ended', detail: 'Thank you. You can close the tab.', mood: 'good' };
    case 'refused':
      if (isOfOtherVersion(end)) return OTHER_VERSION;
      if (end.numericsClasses) return tellOtherClass(end.numericsClasses);
      return { headline: 'The coordinator refused this tab', detail: sentence(end.reason), mood: 'bad' };
    case 'failed':
      return { headline: 'This browser cannot compute', detail: sentence(end.reason), mood: 'bad' };
    case 'dismissed':
    case 'lost':
      return plain('This tab has left the run', sentence(end.reason));
  }
}

/** After it was loaded anew. */
const OTHER_VERSION: Told = {
  headline: 'This page is of another version',
  detail:
    'The coordinator runs another version of Lockstep than this page, even after the page was loaded anew. ' +
    'Close the tab and open the address again; if that does not help, build the coordinator’s pages anew.',
  mood: 'bad',
};

function tellOtherClass(classes: readonly string[]): Told {
  return {
    headline: 'This browser would give other bits',
    detail:
      `The run computes in the class ${classes.join(', ')}, and this browser cannot. ` +
      'With results of two classes the weights depend on who computed what, and the run says so: exact: false.',
    mood: 'bad',
  };
}

function plain(headline: string, detail = ''): Told {
  return { headline, detail, mood: 'plain' };
}

function sentence(reason: string): string {
  return `${reason.charAt(0).toUpperCase()}${reason.slice(1)}.`;
}
