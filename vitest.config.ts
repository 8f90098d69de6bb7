import { defineConfig } from 'vitest/config';
import { ClosingLine } from './test/support/closingLine.js';

export default defineConfig({
  test: {
    globalSetup: 'test/support/build.ts',
    include: ['test/**/*.test.ts'],
    exclude: ['test/integration/**', 'test/faults/**', 'test/fuzz/**'],
    testTimeout: 60_000,
    reporters: ['default', new ClosingLine()],
  },
});
