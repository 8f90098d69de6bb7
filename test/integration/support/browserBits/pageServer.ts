/** A page on loopback that computes jobs in a module Worker. It is served as the page is by which tabs join a run: by its policy. */

import { EventEmitter, once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';
import { onTestFinished } from 'vitest';
import { answerBy, ServedHosts } from '../../../../src/coordinator/index.js';
import { joinRoutes } from '../../../../src/watch/index.js';
import type { Answer, Job } from './job.js';

const WORKER = fileURLToPath(new URL('worker.ts', import.meta.url));
const HTML = '<!doctype html><title>computes</title><script src="/join/page.js" type="module"></script>';
const PAGE = `
const fail = (reason) => fetch('/failed', { method: 'POST', body: reason });
const worker = new Worker('/join/worker.js', { type: 'module' });
worker.onerror = (event) => fail('the Worker failed: ' + event.message);
`;

export interface Computed {
  /** In the order of the jobs. */
  readonly answers: readonly Answer[];
  /** What computed them, in its own words. */
  readonly userAgent: string;
}

export interface ServedPage {
  readonly url: string;
  /** Rejects with what the page says went wrong. */
  readonly computed: Promise<Computed>;
}

export async function servePage(jobs: readonly Job[]): Promise<ServedPage> {
  const told = new EventEmitter<{ done: [Computed]; error: [Error] }>();
  const computed = once(told, 'done').then(([all]) => all as Computed);
  const answers: Answer[] = [];
  const file = (type: string, content: string) => ({ type, content: Buffer.from(content) });
  const files = new Map([
    ['/join', file('text/html', HTML)],
    ['/join/page.js', file('text/javascript', PAGE)],
    ['/join/worker.js', file('text/javascript', await bundledWorker())],
    ['/join/jobs', file('application/json', JSON.stringify(jobs))],
  ]);
  const hosts = new ServedHosts({ names: [], cert: undefined, onlyLoopback: true });
  const losses = (): Promise<[]> => Promise.resolve([]);
  const routes = joinRoutes({ files, hosts, isAttached: () => false, losses });
  const take = async (request: IncomingMessage): Promise<void> => {
    const body = await text(request);
    if (request.url === '/answer') answers.push(JSON.parse(body) as Answer);
    if (request.url === '/done') {
      told.emit('done', { answers, userAgent: request.headers['user-agent'] ?? '' });
    }
    if (request.url === '/failed') told.emit('error', new Error(`the page says: ${body}`));
  };
  const server = createServer((request, response) => {
    const handler = routes.get(request.url ?? '');
    if (handler) return void answerBy(handler, request, response);
    void take(request).then(() => response.writeHead(204).end());
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/join`, computed };
}

async function bundledWorker(): Promise<string> {
  const bundle = await rolldown({
    input: WORKER,
    platform: 'browser',
    treeshake: { moduleSideEffects: false },
    external: /^node:/, // of modules whose other parts are used
  });
  const { output } = await bundle.generate({ format: 'esm' });
  await bundle.close();
  const [{ code, imports }] = output;
  if (imports.length > 0) throw new Error(`a browser has no ${imports.join(', ')}`);
  return code;
}
