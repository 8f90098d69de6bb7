/**
 * What the tab remembers of itself while it is loaded anew: by a page of a newer version, by the person, or because the
 * browser had discarded it in the background to save memory. Kept for this tab and this session alone.
 */

import { keep, kept } from '../tabStorage.js';
import type { PageEngine } from './node/talk.js';

const KEY = 'lockstep-tab';

export interface TabMemory {
  readonly name: string;
  readonly threads: number;
  readonly engine: PageEngine;
  /** Whether it computed, or tried to: nobody had paused it, and it had not left. */
  readonly isOn: boolean;
}

let written = '';

export function remember(memory: TabMemory): void {
  const text = JSON.stringify(memory);
  if (text !== written) keep(KEY, text);
  written = text;
}

/** Undefined where there is none, or something else has written there. */
export function recall(): TabMemory | undefined {
  try {
    const { name, threads, engine, isOn } = JSON.parse(kept(KEY) ?? '{}') as Partial<TabMemory>;
    if (typeof name !== 'string' || typeof threads !== 'number') return undefined;
    return { name, threads, engine: engine === 'webgpu' ? 'webgpu' : 'simd', isOn: isOn === true };
  } catch {
    return undefined;
  }
}

/** Whether the browser had thrown this tab away, and has loaded it because somebody looks at it again. */
export function wasDiscarded(): boolean {
  return (document as { readonly wasDiscarded?: boolean }).wasDiscarded === true;
}
