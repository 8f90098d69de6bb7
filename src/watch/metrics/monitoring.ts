/**
 * The paths for machines that watch a run: `/healthz` and `/readyz` for probes, which everyone may ask, and `/metrics` for
 * Prometheus, which asks for a secret where there is one. They are for whatever server a run has.
 */

import type { ServerResponse } from 'node:http';
import { Gauge, Registry } from 'prom-client';
import { namesLoopback, showsToken } from '../../coordinator/index.js';
import type { FleetView, RequestHandler, Routes } from '../../coordinator/index.js';
import { LOCKSTEP_VERSION } from '../../protocol/index.js';
import type { Subscriber } from '../events/subscriber.js';
import { addNodeMetrics } from './nodeMetrics.js';
import { addProcessMetrics } from './processMetrics.js';
import { RunMetrics } from './runMetrics.js';
import { RunStatusWatcher } from './runStatus.js';
import type { RunState } from './runStatus.js';

export interface MonitoringOptions {
  readonly view: () => FleetView;
  /** Each of them opens `/metrics`. None: this machine alone may ask. */
  readonly secrets: readonly string[];
  readonly subscribe: (subscriber: Subscriber) => void;
  /** Told of a wrong secret. @param address the host, without the port */
  readonly onRefused?: ((address: string, reason: string) => void) | undefined;
}

/** However many ask: collecting takes this thread's time. */
const KEPT_FOR_MS = 1_000;
const STATES: readonly RunState[] = ['starting', 'waiting', 'training', 'finished'];

export function monitoringRoutes(options: MonitoringOptions): Routes {
  const { view, subscribe } = options;
  const registry = new Registry();
  const status = new RunStatusWatcher();
  const metrics = new RunMetrics(registry, LOCKSTEP_VERSION);
  const statusNow = (): ReturnType<RunStatusWatcher['status']> =>
    status.status(view().nodes.reduce((sum, { threads }) => sum + threads, 0));
  addStateMetric(registry, () => statusNow().state);
  addNodeMetrics(registry, view);
  addProcessMetrics(registry);
  subscribe(status);
  subscribe(metrics);
  return new Map<string, RequestHandler>([
    ['/healthz', reading((_, response) => answerJson(response, 200, { alive: true }))],
    [
      '/readyz',
      reading((_, response) => {
        const { state, reason } = statusNow();
        const ready = state === 'training';
        answerJson(response, ready ? 200 : 503, {
          ready,
          state,
          ...(reason === undefined ? {} : { reason }),
        });
      }),
    ],
    ['/metrics', reading(guarded(options, metricsHandler(registry)))],
  ]);
}

function addStateMetric(registry: Registry, state: () => RunState): void {
  new Gauge({
    name: 'lockstep_state',
    help: 'What the run does: 1 for the state that it is in, 0 for the others.',
    labelNames: ['state'] as const,
    registers: [registry],
    collect(): void {
      const now = state();
      for (const each of STATES) this.set({ state: each }, each === now ? 1 : 0);
    },
  });
}

/** One collection serves all who ask within a second. */
function metricsHandler(registry: Registry): RequestHandler {
  let kept: { readonly text: Promise<string>; readonly sinceMs: number } | undefined;
  return async (_, response) => {
    const nowMs = performance.now();
    if (!kept || nowMs - kept.sinceMs > KEPT_FOR_MS) kept = { text: registry.metrics(), sinceMs: nowMs };
    answer(response, 200, registry.contentType, await kept.text);
  };
}

function guarded({ secrets, onRefused }: MonitoringOptions, handler: RequestHandler): RequestHandler {
  return (request, response) => {
    if (secrets.length === 0) {
      if (namesLoopback(request)) return handler(request, response);
      return answerJson(response, 403, { error: 'the Host header must name this machine, as in 127.0.0.1' });
    }
    // All of them are compared, whichever fits.
    if (secrets.map((secret) => showsToken(request, secret)).some(Boolean)) return handler(request, response);
    if (request.headers.authorization !== undefined) {
      onRefused?.(request.socket.remoteAddress ?? 'unknown', 'a wrong token, at /metrics');
    }
    response.setHeader('WWW-Authenticate', 'Bearer realm="lockstep"');
    return answerJson(response, 401, { error: 'send the token: Authorization: Bearer TOKEN' });
  };
}

function reading(handler: RequestHandler): RequestHandler {
  return (request, response) => {
    if (request.method === 'GET' || request.method === 'HEAD') return handler(request, response);
    response.setHeader('Allow', 'GET, HEAD');
    return answerJson(response, 405, { error: 'only GET' });
  };
}

function answerJson(response: ServerResponse, status: number, value: unknown): void {
  answer(response, status, 'application/json; charset=utf-8', `${JSON.stringify(value)}\n`);
}

function answer(response: ServerResponse, status: number, type: string, content: string): void {
  response.writeHead(status, {
    'Content-Type': type,
    'Content-Length': Buffer.byteLength(content),
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
  });
  response.end(content);
}
