/** Waiting for what is bound to come. The limit only ends a test that would never end, on any machine. */

const LIMIT_MS = 600_000;

export function within<Value>(what: string, awaited: Promise<Value>, limitMs = LIMIT_MS): Promise<Value> {
  let timer: NodeJS.Timeout | undefined;
  const expired = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`waited ${limitMs / 1000} s in vain for ${what}`)), limitMs);
  });
  const settled = Promise.race([awaited, expired]).finally(() => clearTimeout(timer));
  settled.catch(() => undefined); // a scenario that failed earlier does not ask any more
  return settled;
}

/** For what announces itself by no event: looks again every few milliseconds. */
export async function untilTrue(what: string, condition: () => boolean, limitMs = LIMIT_MS): Promise<void> {
  const deadlineMs = performance.now() + limitMs;
  while (!condition()) {
    if (performance.now() > deadlineMs) throw new Error(`waited ${limitMs / 1000} s in vain until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

export function pause(durationMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, durationMs));
}
