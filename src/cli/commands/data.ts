/** `lockstep data`: fetch, check and look at CIFAR-10. */

import type { Command } from 'commander';
import {
  DATASET_NAMES,
  downloadCifar10,
  gatherSamples,
  loadCifar10,
  syntheticTrainingSet,
  verifyCifar10,
} from '../../data/index.js';
import type { FileChecksum, FileReport, ImageSet } from '../../data/index.js';
import { commandLine } from '../../foundation/commandLine.js';
import { LockstepError } from '../../foundation/errors.js';
import { integer, oneOf } from '../../foundation/options/definition.js';
import type { ValuesOf } from '../../foundation/options/definition.js';
import { chooseDisplay } from '../display/chooseDisplay.js';
import { proxyFor } from '../process/proxy.js';
import { listenForStop } from '../process/stopSignal.js';
import { imageLines } from '../display/showImage.js';
import { dataDirSetting, jsonSetting } from '../../session/index.js';
import { entriesOf } from '../options/optionTable.js';
import { declareOptions } from '../options/trainingOptions.js';
import { print, printDrawn, printJson } from '../process/terminal.js';

const DOWNLOAD_SETTINGS = { dataDir: dataDirSetting('folder to put cifar-10-batches-bin into') };

const VERIFY_SETTINGS = {
  dataDir: dataDirSetting('folder that is or holds the batches'),
  json: jsonSetting('print the report as JSON'),
};

const SHOW_SETTINGS = {
  dataset: oneOf({
    group: 'Data',
    of: DATASET_NAMES,
    default: 'cifar10',
    help: 'cifar10 or synthetic',
  }),
  dataDir: dataDirSetting('folder that is or holds the batches'),
  from: integer({ group: 'Data', placeholder: 'index', min: 0, default: 0, help: 'first image' }),
  count: integer({ group: 'Data', min: 1, default: 3, help: 'images to show' }),
};

export function addDataCommand(program: Command): void {
  const data = program.command('data').description('download, verify or show the training data');
  const downloadCommand = data
    .command('download')
    .description('fetch the official CIFAR-10 archive (170 MB), check it, and put its files in place')
    .action(({ dataDir }: ValuesOf<typeof DOWNLOAD_SETTINGS>) => download(dataDir));
  declareOptions(downloadCommand, entriesOf(DOWNLOAD_SETTINGS));
  const verifyCommand = data
    .command('verify')
    .description('check every CIFAR-10 file: size, labels, checksum')
    .action(({ dataDir, json }: ValuesOf<typeof VERIFY_SETTINGS>) => verify(dataDir, json));
  declareOptions(verifyCommand, entriesOf(VERIFY_SETTINGS));
  const showCommand = data
    .command('show')
    .description('print class counts, and a few training images as coloured text')
    .action(show);
  declareOptions(showCommand, entriesOf(SHOW_SETTINGS));
}

async function download(dataDir: string): Promise<void> {
  const display = chooseDisplay({ json: false });
  const stop = listenForStop(() => undefined);
  try {
    const result = await downloadCifar10({
      dataDir,
      proxyFor,
      signal: stop.signal,
      onProgress: (progress) => display.download(progress),
    });
    const { folder } = result.location;
    if (result.movedAside !== undefined) display.say(`a damaged copy was moved to ${result.movedAside}`);
    display.say(
      result.wasDownloaded
        ? `CIFAR-10 is in ${folder}`
        : `CIFAR-10 is in ${folder} already; nothing was changed`,
    );
  } catch (error) {
    if (!stop.signal.aborted) throw error;
    display.say('stopped; nothing was left behind');
    process.exitCode = stop.exitCode() ?? 1;
  } finally {
    display.close();
    stop.dispose();
  }
}

async function verify(dataDir: string, json: boolean): Promise<void> {
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

async function show({ dataset, dataDir, from, count }: ValuesOf<typeof SHOW_SETTINGS>): Promise<void> {
  const set = dataset === 'cifar10' ? await loadCifar10(dataDir) : syntheticTrainingSet();
  if (from + count > set.sampleCount) {
    throw new LockstepError(
      'E_OPTION',
      `--from ${from} --count ${count} goes beyond the ${set.sampleCount} images, of which the last is ${set.sampleCount - 1}; use a lower --from or --count`,
    );
  }
  print(`${set.name}: ${set.sampleCount} training images\n${classCounts(set)}`);
  for (let index = from; index < from + count; index++) {
    const { pixels, labels } = gatherSamples(set, [index]);
    const name = set.classNames[labels[0]!] ?? '?';
    print(`\nimage ${index}: ${name}`);
    printDrawn(imageLines(pixels, set.imageShape).join('\n'));
  }
}

function classCounts(set: ImageSet): string {
  const counts = new Array<number>(set.classNames.length).fill(0);
  for (let index = 0; index < set.sampleCount; index++) counts[set.labelOf(index)]!++;
  return set.classNames.map((name, label) => `  ${name.padEnd(12)} ${counts[label]}`).join('\n');
}
