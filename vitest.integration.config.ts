import { defineConfig } from 'vitest/config';
import { ClosingLine } from './test/support/closingLine.js';

/** Real processes and real data: run one file at a time, so that they do not starve each other. */
export default defineConfig({
  test: {
    globalSetup: 'test/support/build.ts',
    include: ['test/integration/**/*.test.ts'],
    testTimeout: 600_000,
    hookTimeout: 600_000,
    fileParallelism: false,
    reporters: ['default', new ClosingLine()],
  },
});
