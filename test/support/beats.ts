/**
 * Controls heartbeats by hand. Their timers advance only when the test says so, so a machine that is busy for a second is
 * not mistaken for a peer that is silent for a second.
 */

import { onTestFinished, vi } from 'vitest';
import { until } from './waiting.js';

/** Of a timeout; as in src/protocol/heartbeat.ts. */
const BEATS_PER_TIMEOUT = 5;

export interface Beats {
  /** Advances time by one beat, and waits until the condition holds. */
  beat(then: () => boolean): Promise<void>;
  /** Beats until the condition holds. */
  beatUntil(condition: () => boolean): Promise<void>;
}

/** Call before the first heartbeat starts. Only `setInterval` is faked. */
export function beatByHand(timeoutMs: number): Beats {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  onTestFinished(() => void vi.useRealTimers());
  const beat = async (then: () => boolean): Promise<void> => {
    vi.advanceTimersByTime(timeoutMs / BEATS_PER_TIMEOUT);
    await until(then);
  };
  return {
    beat,
    beatUntil: async (condition) => {
      while (!condition()) {
        let turns = 0;
        await beat(() => ++turns > 1 || condition());
      }
    },
  };
}

/**
 * Lets four timeouts pass; in each beat both sides hear something.
 * @param between must hold before the next beat
 */
export async function beatFourTimeouts(
  beats: Beats,
  sides: readonly { readonly bytesRead: number }[],
  between = (): boolean => true,
): Promise<void> {
  await until(between);
  for (let count = 0; count < 4 * BEATS_PER_TIMEOUT; count++) {
    const before = sides.map(({ bytesRead }) => bytesRead);
    await beats.beat(() => sides.every(({ bytesRead }, side) => bytesRead > before[side]!) && between());
  }
}
