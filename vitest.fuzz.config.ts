import { defineConfig } from 'vitest/config';
import { ClosingLine } from './test/support/closingLine.js';

/** Hostile input in bulk: minutes, not seconds. A short version runs in `npm test`. */
export default defineConfig({
  test: {
    globalSetup: 'test/support/build.ts',
    include: ['test/fuzz/**/*.test.ts'],
    testTimeout: 1_800_000,
    hookTimeout: 1_800_000,
    fileParallelism: false,
    reporters: ['default', new ClosingLine()],
  },
});
