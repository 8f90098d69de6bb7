/** `lockstep report RUN…`: one page, to read, keep and send. */

import { existsSync, lstatSync, statSync } from 'node:fs';
import type { Stats } from 'node:fs';
import path from 'node:path';
import type { Command } from 'commander';
import { ioError, refuseObstacle, writeFileAtomically } from '../../coordinator/index.js';
import { flag, text } from '../../foundation/options/definition.js';
import type { ValuesOf } from '../../foundation/options/definition.js';
import { advice, OptionError, use } from '../../foundation/options/optionError.js';
import { LOCKSTEP_VERSION } from '../../protocol/index.js';
import { reportPage, requireRun } from '../../watch/index.js';
import { entriesOf, withLetter } from '../options/optionTable.js';
import { reproducingCommand } from '../options/reproduce.js';
import { declareOptions } from '../options/trainingOptions.js';
import { print } from '../process/terminal.js';

const REPORT_SETTINGS = {
  output: text({
    group: 'Run',
    placeholder: 'file',
    default: 'report.html',
    help: 'file to write; one that exists is refused',
  }),
  force: flag({
    group: 'Run',
    default: false,
    help: 'replace the file if it exists',
  }),
};

/** @throws OptionError for a folder, for what is no file, and for a file that is not to be replaced; LockstepError E_IO */
function refuseExisting(output: string, force: boolean): void {
  const found = entryAt(output);
  const isFolder = found?.isDirectory() === true;
  if (found !== undefined && !isFolder && !found.isFile()) {
    throw new OptionError(
      [{ option: 'output', value: output }, ' is a device or a link to nothing, and the report is a file'],
      [use('output', REPORT_SETTINGS.output.default as string)],
    );
  }
  if (!isFolder && found !== undefined && !force) {
    throw new OptionError(
      [{ option: 'output', value: output }, ' exists, and is not replaced'],
      [use('output', newName(output)), advice('replace it with ', { option: 'force', value: true })],
    );
  }
  if (!isFolder) return;
  throw new OptionError(
    [{ option: 'output', value: output }, ' is a folder, and the report is a file'],
    [use('output', path.join(output, REPORT_SETTINGS.output.default as string))],
  );
}

/**
 * What stands there: a link is what it leads to, if that is there.
 * @throws LockstepError E_IO if the place cannot be looked at
 */
function entryAt(file: string): Stats | undefined {
  try {
    return statSync(file, { throwIfNoEntry: false }) ?? lstatSync(file, { throwIfNoEntry: false });
  } catch (error) {
    throw ioError(file, error);
  }
}

/** `report-2.html` for `report.html`. */
function newName(output: string): string {
  const { dir, name, ext } = path.parse(output);
  for (let number = 2; ; number++) {
    const other = path.join(dir, `${name}-${number}${ext}`);
    if (!existsSync(other)) return other;
  }
}

export function addReportCommand(program: Command): void {
  const command = program
    .command('report')
    .description('write one self-contained HTML page about a run, or comparing several')
    .argument('<run...>', 'run folders')
    .action(async (folders: readonly string[], { output, force }: ValuesOf<typeof REPORT_SETTINGS>) => {
      refuseExisting(output, force);
      refuseObstacle(path.dirname(path.resolve(output)));
      const page = await reportPage(folders.map(requireRun), {
        madeAt: new Date().toISOString(),
        version: LOCKSTEP_VERSION,
        commandFor: reproducingCommand,
      });
      refuseExisting(output, force); // made meanwhile
      await writeFileAtomically(output, page);
      print(`wrote ${output}`);
    });
  declareOptions(
    command,
    entriesOf(REPORT_SETTINGS).map((entry) => (entry.key === 'output' ? withLetter('o', entry) : entry)),
  );
}
