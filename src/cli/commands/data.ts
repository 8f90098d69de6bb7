/** `lockstep data`: fetch CIFAR-10; check and look at any data set. */

import type { Command } from 'commander';
import { downloadCifar10 } from '../../data/index.js';
import type { ValuesOf } from '../../foundation/options/definition.js';
import { chooseDisplay } from '../display/chooseDisplay.js';
import { proxyFor } from '../process/proxy.js';
import { listenForStop } from '../process/stopSignal.js';
import { dataDirSetting } from '../../session/index.js';
import { entriesOf } from '../options/optionTable.js';
import { declareOptions } from '../options/trainingOptions.js';
import { addShowCommand, addStatsCommand } from './dataLook.js';
import { addVerifyCommand } from './dataVerify.js';

const DOWNLOAD_SETTINGS = { dataDir: dataDirSetting('folder to put cifar-10-batches-bin into') };

export function addDataCommand(program: Command): void {
  const data = program.command('data').description('download CIFAR-10; verify, count or show any data set');
  const downloadCommand = data
    .command('download')
    .description('fetch the official CIFAR-10 archive (170 MB), check it, and put its files in place')
    .action(({ dataDir }: ValuesOf<typeof DOWNLOAD_SETTINGS>) => download(dataDir));
  declareOptions(downloadCommand, entriesOf(DOWNLOAD_SETTINGS));
  addVerifyCommand(data);
  addShowCommand(data);
  addStatsCommand(data);
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
