/**
 * Threads and other processes that a test starts run dist/. This makes sure that dist/ is what src/ compiles to: before
 * the tests, before each rerun in watch mode, and, because a source may change during a run, at the end.
 */

import { fileURLToPath } from 'node:url';
import type { TestProject } from 'vitest/node';
import { build } from '../../scripts/build.mjs';
import { isBuilt, removeBuilt, sourcesDigest } from '../../scripts/checkout.mjs';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** @returns what vitest calls after the tests */
export default function buildBeforeTests(
  project: Pick<TestProject, 'onTestsRerun'>,
  root = ROOT,
): () => void {
  build(root);
  let tested = sourcesDigest(root);
  project.onTestsRerun(() => {
    rebuild(root);
    tested = sourcesDigest(root);
  });
  return () => failIfChanged(root, tested);
}

/** An error would end the watch mode. Without dist/ the tests that need it fail, and do not run old code. */
function rebuild(root: string): void {
  try {
    build(root);
  } catch (error) {
    removeBuilt(root);
    console.error(error instanceof Error ? error.message : error);
  }
}

/**
 * Vitest prints an error that is thrown here, and does not count it as a failure.
 * @param tested sources; another process may have built changed ones since
 */
function failIfChanged(root: string, tested: string): void {
  if (isBuilt(root) && sourcesDigest(root) === tested) return;
  process.exitCode = 1;
  throw new Error(
    'src/ or dist/ changed during the tests, so some may have run old code; run the tests again',
  );
}
