import { defineConfig } from 'vitest/config';
import { ClosingLine } from './test/support/closingLine.js';
import { FaultTable } from './test/faults/support/faultTable.js';

/** Real processes that are killed, frozen and cut off: one at a time, with a table at the end. */
export default defineConfig({
  test: {
    globalSetup: 'test/support/build.ts',
    include: ['test/faults/**/*.test.ts'],
    testTimeout: 1_800_000,
    hookTimeout: 1_800_000,
    fileParallelism: false,
    reporters: ['verbose', new FaultTable(), new ClosingLine()],
  },
});
