/** `lockstep report RUN…`: one page, to read, keep and send. */

import type { Command } from 'commander';
import { writeFileAtomically } from '../../coordinator/index.js';
import { LOCKSTEP_VERSION } from '../../protocol/index.js';
import { reportPage, requireRun } from '../../watch/index.js';
import { reproducingCommand } from '../options/reproduce.js';
import { print } from '../process/terminal.js';

const DEFAULT_FILE = 'report.html';

export function addReportCommand(program: Command): void {
  program
    .command('report')
    .description('write one self-contained HTML page about a run, or comparing several')
    .argument('<run...>', 'run folders')
    .option('-o, --output <file>', 'file to write; one that is there is replaced', DEFAULT_FILE)
    .action(async (folders: readonly string[], { output }: { readonly output: string }) => {
      const page = await reportPage(folders.map(requireRun), {
        madeAt: new Date().toISOString(),
        version: LOCKSTEP_VERSION,
        commandFor: reproducingCommand,
      });
      await writeFileAtomically(output, page);
      print(`wrote ${output}`);
    });
}
