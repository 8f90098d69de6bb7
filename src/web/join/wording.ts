/** The page's sentences. */

import type { PageEngine } from './node/talk.js';
import type { Phase } from './participation.js';
import { isOfOtherVersion } from './renewal.js';

export interface Told {
  readonly headline: string;
  readonly detail: string;
  readonly mood: 'good' | 'bad' | 'plain';
}

export interface Circumstances {
  /** That were computed so far. */
  readonly images: number;
  readonly engine: PageEngine;
}

export function tell(phase: Phase, { images, engine }: Circumstances): Told {
  switch (phase.kind) {
    case 'idle':
      return images > 0
        ? plain('This tab has left the run', 'What it computed is part of the run. You can close the tab.')
        : plain(
            'Let this tab compute for the run',
            `It downloads images, computes gradients and sends them back, ${bitsOf(engine)}. ` +
              'Close the tab whenever you like: the run loses nothing.',
          );
    case 'loading':
      return plain('Loading the engine…');
    case 'connecting':
      return plain('Calling the coordinator…');
    case 'computing':
      return {
        headline: `Computing for ${phase.runName}`,
        detail: `${engine === 'webgpu' ? 'On the GPU: the run is not exact. ' : ''}It goes on while you use other tabs.`,
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
      return tellEnd(phase.end, engine);
  }
}

function bitsOf(engine: PageEngine): string {
  return engine === 'simd'
    ? 'with the same bits as any other worker'
    : 'with the bits of this GPU: the result of the run will say exact: false';
}

function tellEnd(end: Extract<Phase, { kind: 'over' }>['end'], engine: PageEngine): Told {
  switch (end.kind) {
    case 'run-ended':
      return { headline: 'The run has ended', detail: 'Thank you. You can close the tab.', mood: 'good' };
    case 'refused':
      if (isOfOtherVersion(end)) return OTHER_VERSION;
      if (end.numericsClasses) return tellOtherClass(end.numericsClasses, engine);
      return { headline: 'The coordinator refused this tab', detail: sentence(end.reason), mood: 'bad' };
    case 'failed':
      return engine === 'simd'
        ? { headline: 'This browser cannot compute', detail: sentence(end.reason), mood: 'bad' }
        : { headline: 'The GPU cannot compute', detail: `${sentence(end.reason)} ${AFTER_GPU}`, mood: 'bad' };
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

/** What the person can do; the page does neither by itself. */
const AFTER_GPU = 'Press Start to try it again, or choose the processor below.';

function tellOtherClass(classes: readonly string[], engine: PageEngine): Told {
  const what = engine === 'simd' ? 'browser' : 'GPU';
  return {
    headline: `This ${what} would give other bits`,
    detail:
      `The run computes in the class ${classes.join(', ')}, and this ${what} cannot. ` +
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
