/** `lockstep report RUN…`: one page, to read, keep and send. */

import type { Command } from 'commander';
import { writeFileAtomically } from '../../coordinator/index.js';
import { text } from '../../foundation/options/definition.js';
import type { ValuesOf } from '../../foundation/options/definition.js';
import { LOCKSTEP_VERSION } from '../../protocol/index.js';
import { reportPage, requireRun } from '../../watch/index.js';
import { entriesOf } from '../options/optionTable.js';
import { reproducingCommand } from '../options/reproduce.js';
import { declareOptions } from '../options/trainingOptions.js';
import { print } from '../process/terminal.js';

const REPORT_SETTINGS = {
  output: text({
    group: 'Run',
    placeholder: 'file',
    default: 'report.html',
    help: 'file to write; one that exists is replaced',
  }),
};

export function addReportCommand(program: Command): void {
  const command = program
    .command('report')
    .description('write one self-contained HTML page about a run, or comparing several')
    .argument('<run...>', 'run folders')
    .action(async (folders: readonly string[], { output }: ValuesOf<typeof REPORT_SETTINGS>) => {
      const page = await reportPage(folders.map(requireRun), {
        madeAt: new Date().toISOString(),
        version: LOCKSTEP_VERSION,
        commandFor: reproducingCommand,
      });
      await writeFileAtomically(output, page);
      print(`wrote ${output}`);
    });
  declareOptions(command, entriesOf(REPORT_SETTINGS));
}
