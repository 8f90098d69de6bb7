/** `lockstep data verify`: whether every file of a data set can be used. */

import type { Command } from 'commander';
import { reportSource, verifyCifar10, verifyFolder } from '../../data/index.js';
import type { FileChecksum, FileReport, FolderPartReport, SourceOptions } from '../../data/index.js';
import { commandLine } from '../../foundation/commandLine.js';
import { count } from '../../foundation/count.js';
import { LockstepError } from '../../foundation/errors.js';
import type { ValuesOf } from '../../foundation/options/definition.js';
import { printable } from '../../foundation/printable.js';
import { jsonSetting } from '../../session/index.js';
import { entriesOf } from '../options/optionTable.js';
import { declareOptions } from '../options/trainingOptions.js';
import { print, printJson } from '../process/terminal.js';
import { lookAt, SOURCE_SETTINGS, sourceOf } from './dataSource.js';

const VERIFY_SETTINGS = { ...SOURCE_SETTINGS, json: jsonSetting('print the report as JSON') };

const LONGEST_LINE = 400;

export function addVerifyCommand(data: Command): void {
  const command = data
    .command('verify')
    .description('check every file: size, labels, checksum; of a folder, decode every picture');
  declareOptions(command, entriesOf(VERIFY_SETTINGS));
  command.action(() => {
    const { json } = command.opts<ValuesOf<typeof VERIFY_SETTINGS>>();
    return lookAt(sourceOf(command), { json }, async ({ name, options }) => {
      if (name === 'cifar10') return verifyBatches(options.dataDir, json);
      if (name === 'folder') return verifyPictures(options, json);
      const parts = await reportSource(name, options);
      if (json) printJson({ dataset: name, parts });
      else
        for (const { part, images, contentSha256 } of parts)
          print(`${part}: ${count(images, 'image')}, sha256 ${contentSha256}`);
    });
  });
}

async function verifyPictures(options: SourceOptions, json: boolean): Promise<void> {
  const parts = await verifyFolder(options);
  if (json) printJson({ dataset: 'folder', parts });
  else for (const line of parts.flatMap(partLines)) print(line);
  const isUsable = parts.every(
    ({ bad, problem, packed }) => bad.length === 0 && problem === null && packed !== 'different',
  );
  if (isUsable) return;
  throw new LockstepError(
    'E_DATA_CORRUPT',
    `${printable(options.dataDir, LONGEST_LINE)} ${faultText(parts)}`,
  );
}

/** What is wrong, and a remedy that helps: nothing is skipped where a class would be left without a picture. */
function faultText(parts: readonly FolderPartReport[]): string {
  const hasBad = parts.some(({ bad }) => bad.length > 0);
  if (parts.some(({ problem }) => problem !== null)) {
    return hasBad
      ? 'has faults in its class folders and holds files that cannot be used; mend the folders as listed, and repair or remove the files (--bad-images skip alone does not help)'
      : 'has faults in its class folders; mend them as listed';
  }
  return hasBad
    ? 'holds files that cannot be used; repair or remove them, or train with --bad-images skip'
    : 'holds files that were replaced and kept their size and time; touch them, so that they are decoded anew';
}

function partLines({ part, images, bad, problem, packed }: FolderPartReport): readonly string[] {
  const lines = bad.map(({ path, fault, problem: what }) =>
    printable(`  ${path}: ${fault}: ${what}`, LONGEST_LINE),
  );
  const changed =
    packed === 'different'
      ? ['  the packed file holds other pictures: a file was replaced and kept its size and time; touch it']
      : [];
  const folders = problem === null ? [] : [`  ${problem}`];
  return [`${part}: ${count(images, 'picture')} usable, ${bad.length} not`, ...folders, ...lines, ...changed];
}

async function verifyBatches(dataDir: string, json: boolean): Promise<void> {
  const report = await verifyCifar10(dataDir);
  if (json) printJson(report);
  else for (const file of report.files) print(fileLine(file));
  if (!report.isUsable) {
    throw new LockstepError(
      'E_DATA_CORRUPT',
      `${report.folder} is not a complete CIFAR-10; fetch it again with: ${commandLine('data', 'download', { dataDir })}`,
    );
  }
  if (!json) {
    print(
      `${report.folder} (${report.layout}): usable; the training batches are ${report.isOfficialTraining ? '' : 'NOT '}the published ones`,
    );
  }
}

function fileLine(file: FileReport): string {
  const name = file.fileName.padEnd(18);
  if (file.status === 'missing') return `${name} MISSING: ${file.problem}`;
  const checksum = file.checksum && `, ${checksumText(file.checksum)}`;
  if (file.status === 'damaged') return `${name} DAMAGED: ${file.problem}${checksum ?? ''}`;
  return `${name} usable, ${file.byteCount} bytes${checksum ?? ''}`;
}

function checksumText({ algorithm, hex, verdict }: FileChecksum): string {
  return `${algorithm} ${hex} (${verdict === 'unknown' ? 'no published checksum to compare with' : verdict})`;
}
