/** `lockstep ui [DIR]`: a live page over the runs below a folder. */

import { spawn } from 'node:child_process';
import type { Command } from 'commander';
import { findRuns, readPageFiles, RunCatalog, servePage } from '../../watch/index.js';
import { splitAddress, valueParser } from '../options/values.js';
import { listenForStop } from '../process/stopSignal.js';
import { print, printError } from '../process/terminal.js';

interface RawOptions {
  readonly listen: string;
  readonly uiToken?: string;
  readonly open: boolean;
}

const DEFAULT_LISTEN = '127.0.0.1:7080';

export function addUiCommand(program: Command): void {
  program
    .command('ui')
    .description('serve a live page over the runs below a folder: table, curves, differences, events')
    .argument('[dir]', 'folder that holds run folders', 'runs')
    .option(
      '--listen <host:port>',
      'address to serve the page at; beyond this machine a token is needed',
      valueParser('--listen', { kind: 'address' }, DEFAULT_LISTEN),
      DEFAULT_LISTEN,
    )
    .option('--ui-token <token>', 'secret that viewers need (env LOCKSTEP_UI_TOKEN)')
    .option('--open', 'open the page in the browser', false)
    .action((folder: string, options: RawOptions) => serve(folder, options));
}

async function serve(folder: string, { listen, uiToken, open }: RawOptions): Promise<void> {
  findRuns(folder); // a folder that is not there is told now, not by an empty page
  const { host, port } = splitAddress(listen)!;
  const token = uiToken ?? (process.env['LOCKSTEP_UI_TOKEN'] || undefined);
  const stop = listenForStop(() => undefined);
  const catalog = new RunCatalog(folder);
  const server = await servePage({ host, port, token, catalog, files: readPageFiles() });
  // The part behind # is never sent to a server: it stays out of logs.
  const address = token === undefined ? server.url : `${server.url}/#token=${encodeURIComponent(token)}`;
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
