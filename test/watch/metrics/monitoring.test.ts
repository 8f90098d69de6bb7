import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { FleetView, NodeView, RunEvent } from '../../../src/coordinator/index.js';
import { loadMonitoring } from '../../../src/watch/index.js';
import type { Subscriber } from '../../../src/watch/index.js';

const NODE: NodeView = {
  id: 1,
  name: 'node',
  host: '10.0.0.1',
  isLocal: false,
  engine: 'simd',
  device: 'a processor',
  numericsClass: 'simd/1',
  threads: 2,
  isDraining: false,
  attachedSeconds: 10,
  silentSeconds: 0.5,
  roundTripMs: 20,
  bytesReceived: 1000,
  bytesSent: 2000,
  itemsHeld: 1,
  itemsGiven: 5,
  itemsAnswered: 4,
  itemsRepeated: 0,
  itemsLate: 1,
  itemsFailed: 0,
  trainedImages: 128,
};

interface Served {
  readonly port: number;
  readonly get: (path: string, headers?: Readonly<Record<string, string>>) => Promise<Response>;
  readonly emit: (event: RunEvent) => void;
  nodes: readonly NodeView[];
}

async function serve(secrets: readonly string[] = []): Promise<Served> {
  const subscribers: Subscriber[] = [];
  const { monitoringRoutes } = await loadMonitoring();
  const served = { nodes: [NODE] as readonly NodeView[] };
  const routes = monitoringRoutes({
    view: (): FleetView => ({ nodes: served.nodes, round: undefined }),
    secrets,
    subscribe: (subscriber) => void subscribers.push(subscriber),
  });
  const server = createServer((request, response) => void routes.get(request.url!)!(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  return Object.assign(served, {
    port,
    get: (path: string, headers: Readonly<Record<string, string>> = {}) =>
      fetch(`http://127.0.0.1:${port}${path}`, { headers }),
    emit: (event: RunEvent) =>
      subscribers.forEach((subscriber) => void subscriber.on(event, 1_700_000_000_000)),
  });
}

const started = { event: 'run-started', model: 'm', dataset: 'd', epochs: 3, stepsPerEpoch: 10 };
const STARTED = { ...started, maxSteps: null, resumedAtStep: 20 } as unknown as RunEvent;
const STEP: RunEvent = {
  event: 'step',
  step: 21,
  epoch: 3,
  lr: 0.1,
  loss: 1.5,
  accuracy: 0.25,
  samples: 128,
  imagesPerSecond: 640,
  stepMs: 200,
  coordinationMs: 2,
};

/** Only ends what would never end. */
const LIMIT = { timeout: 240_000 };

describe('/metrics', () => {
  it('counts this session, and shows where the run is', async () => {
    const { get, emit } = await serve();
    emit(STARTED);
    emit(STEP);
    const text = await (await get('/metrics')).text();
    for (const line of [
      'lockstep_step 21',
      'lockstep_planned_steps 30',
      'lockstep_steps_total 1',
      'lockstep_images_total 128',
      'lockstep_train_loss 1.5',
      'lockstep_step_duration_seconds_sum 0.2',
      'lockstep_step_duration_seconds_bucket{le="0.25"} 1',
      'lockstep_step_duration_seconds_bucket{le="0.1"} 0',
      'lockstep_node_round_trip_seconds{node="node"} 0.02',
      'lockstep_node_received_bytes_total{node="node"} 1000',
      'lockstep_state{state="training"} 1',
    ]) {
      expect(text.split('\n')).toContain(line);
    }
  });

  it('has one series a node, none for those that left, and a bounded number however many there are', async () => {
    const served = await serve();
    const seriesOf = async (name: string): Promise<readonly string[]> => {
      const text = await (await served.get('/metrics')).text();
      return text.split('\n').filter((line) => line.startsWith(`${name}{`));
    };
    served.nodes = [NODE, { ...NODE, id: 2 }, { ...NODE, id: 3, name: 'a "b"\n\\', roundTripMs: null }];
    expect(await seriesOf('lockstep_node_workers')).toEqual([
      'lockstep_node_workers{node="node"} 4',
      'lockstep_node_workers{node="a \\"b\\"\\n\\\\"} 2',
    ]);
    const { nodes } = served;
    served.nodes = Array.from({ length: 3000 }, (_, id) => ({ ...NODE, id, name: `node ${id}` }));
    await expect.poll(() => seriesOf('lockstep_node_workers'), LIMIT).toHaveLength(1001);
    expect((await seriesOf('lockstep_node_workers')).at(-1)).toBe(
      'lockstep_node_workers{node="other nodes"} 4000',
    );
    served.nodes = nodes;
    await expect.poll(() => seriesOf('lockstep_node_workers'), LIMIT).toHaveLength(2);
  });

  it('opens for each secret and nothing else; without one for this machine alone', async () => {
    const { get } = await serve(['workers', 'viewers']);
    const status = async (token: string): Promise<number> =>
      (await get('/metrics', { authorization: `Bearer ${token}` })).status;
    expect(await Promise.all(['workers', 'viewers', 'other', ''].map(status))).toEqual([200, 200, 401, 401]);
    expect((await get('/metrics')).headers.get('www-authenticate')).toContain('Bearer');
    expect((await get('/readyz')).status).toBe(503);
  });

  it('without a secret answers only to names of this machine, so that no other site reads it', async () => {
    const { port } = await serve();
    // fetch sets the Host header itself.
    const statusFor = (host: string, path: string): Promise<number | undefined> =>
      new Promise((resolve, reject) => {
        const asked = request({ host: '127.0.0.1', port, path, headers: { host } }, (response) => {
          response.resume();
          resolve(response.statusCode);
        });
        asked.on('error', reject).end();
      });
    for (const host of ['localhost:7070', '127.0.0.1', '[::1]:7070'])
      expect([host, await statusFor(host, '/metrics')]).toEqual([host, 200]);
    const noHosts = ['x@127.0.0.1:7070', '127.0.0.1:7070/x', '127.0.0.1;x', '127.0.0.1:7070?x'];
    const others = ['evil.example', 'localhost.evil.example', '127.0.0.1.evil.example', '10.0.0.1'];
    for (const host of [...others, ...noHosts])
      expect([host, await statusFor(host, '/metrics')]).toEqual([host, 403]);
    expect(await statusFor('evil.example', '/healthz')).toBe(200);
  });
});

describe('/readyz', () => {
  it('follows the run', async () => {
    const served = await serve();
    const state = async (): Promise<readonly unknown[]> => {
      const response = await served.get('/readyz');
      return [response.status, ((await response.json()) as { readonly state: string }).state];
    };
    expect(await state()).toEqual([503, 'starting']);
    served.emit(STARTED);
    expect(await state()).toEqual([200, 'training']);
    served.nodes = [];
    served.emit({ event: 'waiting', reason: 'for workers', workersNeeded: 1, timeoutSeconds: 300 });
    expect(await state()).toEqual([503, 'waiting']);
    served.nodes = [NODE];
    expect(await state()).toEqual([200, 'training']);
    served.emit({ event: 'run-finished' } as unknown as RunEvent);
    expect(await state()).toEqual([503, 'finished']);
  });
});
