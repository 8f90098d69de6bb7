/** Prints what every scenario did, when all are over: scenario, digest equal, seconds lost. */

import type { Reporter, TestCase, TestModule } from 'vitest/node';

/** What a scenario's test leaves in its `meta`. */
export interface FaultMeta {
  /** Against the undisturbed run of the same set-up; negative if it was faster. */
  readonly lostSeconds?: number;
  readonly equal?: boolean;
}

declare module 'vitest' {
  interface TaskMeta {
    fault?: FaultMeta;
  }
}

export class FaultTable implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const rows = modules.flatMap((module) => [...module.children.allTests()].flatMap(rowOf));
    if (rows.length === 0) return;
    process.stdout.write(`\n${table([['scenario', 'digest equal', 'seconds lost'], ...rows])}\n`);
  }
}

function rowOf(test: TestCase): (readonly string[])[] {
  const { fault } = test.meta();
  const { state } = test.result();
  if (!fault) return [];
  const skipped = state === 'skipped';
  const equal = skipped ? 'skipped' : fault.equal === true ? 'yes' : 'NO';
  const note = state === 'failed' && fault.equal === true ? ' FAILED' : '';
  const lost = fault.lostSeconds === undefined ? '-' : fault.lostSeconds.toFixed(1);
  return [[test.name + note, equal, lost]];
}

function table(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => (column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!)))
        .join('  '),
    )
    .join('\n');
}
