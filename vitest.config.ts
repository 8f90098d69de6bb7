import { defineConfig } from 'vitest/config';
import { ClosingLine } from './test/support/closingLine.js';

export default defineConfig({
  test: {
    globalSetup: 'test/support/build.ts',
    include: ['test/**/*.test.ts'],
    exclude: ['test/integration/**', 'test/faults/**', 'test/fuzz/**'],
    // vitest leaves one core free, which is half of a machine with two.
    maxWorkers: '100%',
    // Only for a test that would never end: with two busy loops beside it, one that takes 8 s has taken 60.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    reporters: ['default', new ClosingLine()],
  },
});
