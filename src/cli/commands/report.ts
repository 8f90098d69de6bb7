/** `lockstep report RUN…`: one page, to read, keep and send. */

import { statSync } from 'node:fs';
import path from 'node:path';
import type { Command } from 'commander';
import { writeFileAtomically } from '../../coordinator/index.js';
import { text } from '../../foundation/options/definition.js';
import type { ValuesOf } from '../../foundation/options/definition.js';
import { OptionError, use } from '../../foundation/options/optionError.js';
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

/** @throws OptionError */
function refuseFolder(output: string): void {
  if (statSync(output, { throwIfNoEntry: false })?.isDirectory() !== true) return;
  throw new OptionError(
    [{ option: 'output', value: output }, ' is a folder, and the report is a file'],
    [use('output', path.join(output, REPORT_SETTINGS.output.default as string))],
  );
}

export function addReportCommand(program: Command): void {
  const command = program
    .command('report')
    .description('write one self-contained HTML page about a run, or comparing several')
    .argument('<run...>', 'run folders')
    .action(async (folders: readonly string[], { output }: ValuesOf<typeof REPORT_SETTINGS>) => {
      refuseFolder(output);
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
