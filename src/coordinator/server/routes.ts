/**
 * Plain HTTP on the port that nodes attach to: one table says which path is whose. A handler runs on the thread that trains,
 * so it answers at once or awaits; it checks method, Host, Origin and token itself.
 */

import type { IncomingMessage, ServerResponse } from 'node:http';

export type RequestHandler = (request: IncomingMessage, response: ServerResponse) => void | Promise<void>;

/** By path: `/metrics`, or `/api/*` for all paths that begin with `/api/`. An exact path comes first. */
export type Routes = ReadonlyMap<string, RequestHandler>;

/** @throws Error if two tables have the same path: a mistake in the program */
export function mergeRoutes(...tables: readonly Routes[]): Routes {
  const merged = new Map<string, RequestHandler>();
  for (const [path, handler] of tables.flatMap((table) => [...table])) {
    if (merged.has(path)) throw new Error(`two handlers for ${path}`);
    merged.set(path, handler);
  }
  return merged;
}

export function handlerFor(
  routes: Routes,
  { url = '' }: Pick<IncomingMessage, 'url'>,
): RequestHandler | undefined {
  const path = url.split('?')[0]!;
  const exact = routes.get(path);
  if (exact) return exact;
  const folder = /^\/[^/]+\//.exec(path)?.[0];
  return folder === undefined ? undefined : routes.get(`${folder}*`);
}

/** What a handler throws ends its own answer, and nothing else. */
export async function answerBy(
  handler: RequestHandler,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  response.on('error', () => response.destroy());
  try {
    await handler(request, response);
  } catch {
    if (response.headersSent) response.destroy();
    else response.writeHead(500, { 'content-type': 'text/plain' }).end('internal error\n');
  }
}
