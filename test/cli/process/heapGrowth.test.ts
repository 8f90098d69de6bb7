/** Whether this version of V8 takes the flag, which it does not promise to keep: in processes of their own, whose heaps are new. */

import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';

const SOURCE = pathToFileURL(path.resolve('dist', 'cli', 'process', 'heapGrowth.js')).href;

/** Objects that live long enough to be collected with the whole heap, and are then replaced by others. */
const FILL = `
import { constants, PerformanceObserver } from 'node:perf_hooks';
import { setImmediate } from 'node:timers/promises';
let whole = 0;
const observer = new PerformanceObserver((list) => {
  for (const { detail } of list.getEntries()) if (detail.kind === constants.NODE_PERFORMANCE_GC_MAJOR) whole++;
});
observer.observe({ entryTypes: ['gc'] });
const kept = new Array(1500);
for (let count = 0; count < 20_000; count++) {
  kept[count % kept.length] = Array.from({ length: 500 }, (_, index) => ({ index }));
  if (count % 20 === 0) await setImmediate();
}
console.log(whole);
`;

interface Outcome {
  readonly wholeCollections: number;
  readonly stderr: string;
}

function outcomeAfter(call: string): Outcome {
  const program = `import { letHeapGrow, setHeapGrowth } from '${SOURCE}';\n${call};\n${FILL}`;
  const args = ['--input-type=module', '-e', program];
  const { stdout, stderr, status } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  expect(status, stderr).toBe(0);
  return { wholeCollections: Number(stdout), stderr };
}

describe('how far a heap may grow', () => {
  it('is taken by V8 from a process that runs, and changes how often it collects the whole heap', () => {
    const usual = outcomeAfter('');
    const little = outcomeAfter('setHeapGrowth(10)');
    expect(little.wholeCollections).toBeGreaterThan(2 * usual.wholeCollections);
    const serving = outcomeAfter("letHeapGrow('coordinator')");
    expect([usual, little, serving].map(({ stderr }) => stderr)).toEqual(['', '', '']);
  });
});
