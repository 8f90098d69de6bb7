/** `lockstep ui [DIR]`: a live page over the runs below a folder. */

import { spawn } from 'node:child_process';
import type { Command } from 'commander';
import { findRuns, readPageFiles, RunCatalog, servePage } from '../../watch/index.js';
import { flag, text } from '../../foundation/options/definition.js';
import type { ValuesOf } from '../../foundation/options/definition.js';
import { entriesOf } from '../options/optionTable.js';
import { declareOptions } from '../options/trainingOptions.js';
import { declareViewersToken, resolveUiToken } from '../options/uiOptions.js';
import { ADDRESS, splitAddress } from '../../session/index.js';
import { listenForStop } from '../process/stopSignal.js';
import { print, printError } from '../process/terminal.js';

const UI_SETTINGS = {
  listen: text({
    group: 'Connection',
    placeholder: 'host:port',
    form: ADDRESS,
    default: '127.0.0.1:7080',
    help: 'address to serve the page at; beyond this machine it needs a secret (LOCKSTEP_UI_TOKEN)',
  }),
  open: flag({ group: 'Run', default: false, help: 'open the page in the browser' }),
};

type RawOptions = ValuesOf<typeof UI_SETTINGS>;

export function addUiCommand(program: Command): void {
  const command = program
    .command('ui')
    .description('serve a live page over the runs below a folder: table, curves, differences, events')
    .argument('[dir]', 'folder that holds run folders', 'runs')
    .action((folder: string, options: RawOptions) => serve(folder, options, resolveUiToken(command)));
  declareOptions(command, entriesOf(UI_SETTINGS));
  declareViewersToken(command);
}

async function serve(
  folder: string,
  { listen, open }: RawOptions,
  uiToken: string | undefined,
): Promise<void> {
  findRuns(folder); // a folder that is not there is told now, not by an empty page
  const { host, port } = splitAddress(listen)!;
  const stop = listenForStop(() => undefined);
  const catalog = new RunCatalog(folder);
  const server = await servePage({
    ...{ host, port, option: 'listen' },
    secrets: { control: undefined, view: uiToken },
    runs: catalog,
    files: readPageFiles(),
  });
  // The part behind # is never sent to a server: it stays out of logs.
  const address = uiToken === undefined ? server.url : `${server.url}/#token=${encodeURIComponent(uiToken)}`;
  print(`watching ${folder} at ${address}\nCtrl-C stops the page; runs go on`);
  if (open) openBrowser(address);
  await stopped(stop.signal);
  await server.close();
  stop.dispose();
}

function stopped(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

const OPENERS: Readonly<Partial<Record<NodeJS.Platform, readonly string[]>>> = {
  darwin: ['open'],
  win32: ['cmd', '/c', 'start', ''],
};

function openBrowser(address: string): void {
  const [program, ...before] = OPENERS[process.platform] ?? ['xdg-open'];
  const child = spawn(program!, [...before, address], { stdio: 'ignore', detached: true });
  child.on('error', () => printError(`lockstep: no browser could be opened; open ${address} yourself`));
  child.unref();
}
