/** Waits for conditions, without fixed pauses. */

/** Waits until all pending promises and immediate callbacks have run. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
}

/** Waits until the condition holds. The limit only stops a test that would never end. */
export async function until(condition: () => boolean, limitMs = 240_000): Promise<void> {
  const startedMs = performance.now();
  while (!condition()) {
    if (performance.now() - startedMs > limitMs)
      throw new Error(`the condition never held: ${String(condition)}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
