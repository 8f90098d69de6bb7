/**
 * What a tab keeps over a reload. A browser that blocks storage throws at every access: then it is kept in memory, until the
 * page is left.
 */

const inMemory = new Map<string, string>();

/** @returns false if it will be gone after a reload */
export function keep(key: string, value: string): boolean {
  inMemory.set(key, value);
  try {
    sessionStorage.setItem(key, value);
    return true;
  } catch {
    return false;
  }
}

export function kept(key: string): string | undefined {
  try {
    return sessionStorage.getItem(key) ?? undefined;
  } catch {
    return inMemory.get(key);
  }
}

export function forget(key: string): void {
  inMemory.delete(key);
  try {
    sessionStorage.removeItem(key);
  } catch {
    // There is nothing to remove.
  }
}
