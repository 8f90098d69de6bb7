import { defineConfig } from 'vitest/config';
import { ClosingLine } from './test/support/closingLine.js';

/** Run by scripts/soak.mjs, which says for how long. */
export default defineConfig({
  test: {
    globalSetup: 'test/support/build.ts',
    include: ['test/faults/soak/soak.ts'],
    testTimeout: 24 * 3_600_000,
    fileParallelism: false,
    disableConsoleIntercept: true,
    reporters: ['default', new ClosingLine()],
  },
});
