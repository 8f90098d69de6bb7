/** A running coordinator as probes and Prometheus see it: real processes, `promtool`, and a real Prometheus that scrapes. */

import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import {
  freePort,
  killAll,
  REPOSITORY,
  start,
  startProgram,
  temporaryFolder,
  untilListening,
} from './support/lockstep.js';

const TOKEN = 'a-secret-of-the-workers';
/** More epochs than any test waits for. */
const RECIPE = [
  ...['--dataset', 'synthetic', '--model', 'resnet8', '--train-limit', '600', '--val-size', '100'],
  ...['--batch-size', '48', '--micro-batch', '24', '--epochs', '1000000', '--patience', '0'],
];
/** Only ends what would never end. */
const LIMIT_MS = 500_000;
const ALERTS = path.join(REPOSITORY, 'deploy', 'prometheus', 'alerts.yml');
const DASHBOARD = path.join(REPOSITORY, 'deploy', 'grafana', 'lockstep.json');

const isThere = ['prometheus', 'promtool'].every((name) => spawnSync(name, ['--version']).status === 0);
if (!isThere) {
  console.warn(
    'SKIPPED: /metrics is scraped by no Prometheus: none is installed (bash scripts/setup-prometheus.sh)',
  );
}

afterEach(killAll);

interface Answer {
  readonly status: number;
  readonly text: string;
}

async function ask(url: string, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
  const response = await fetch(url, { headers });
  return { status: response.status, text: await response.text() };
}

const bearer = { authorization: `Bearer ${TOKEN}` };

async function eventually(what: string, condition: () => Promise<boolean>): Promise<void> {
  const deadlineMs = performance.now() + LIMIT_MS;
  while (!(await condition().catch(() => false))) {
    if (performance.now() > deadlineMs) throw new Error(`timed out waiting until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** A coordinator that waits for two workers, with a token. */
async function startCoordinator(
  ...more: readonly string[]
): Promise<{ readonly url: string; readonly port: number }> {
  const port = await freePort();
  const runDir = path.join(temporaryFolder(), 'run');
  const args = [
    'coordinator',
    ...RECIPE,
    '--min-workers',
    '2',
    '--listen',
    `127.0.0.1:${port}`,
    '--run-dir',
    runDir,
  ];
  await untilListening(start([...args, ...more], { LOCKSTEP_TOKEN: TOKEN }));
  return { url: `http://127.0.0.1:${port}`, port };
}

function attach(port: number): void {
  start(['worker', `ws://127.0.0.1:${port}`, '--threads', '1'], { LOCKSTEP_TOKEN: TOKEN });
}

describe('probes', () => {
  it('need no token; /readyz says why training waits, and turns to 200 when it goes on', async () => {
    const { url, port } = await startCoordinator();
    expect(await ask(`${url}/healthz`)).toEqual({ status: 200, text: '{"alive":true}\n' });
    await eventually('it waits', async () => (await ask(`${url}/readyz`)).text.includes('"waiting"'));
    const waiting = await ask(`${url}/readyz`);
    expect(waiting.status).toBe(503);
    expect(JSON.parse(waiting.text)).toEqual({
      ready: false,
      state: 'waiting',
      reason: 'waiting for 2 worker(s); 0 attached',
    });
    attach(port);
    await eventually('one is there', async () => (await ask(`${url}/readyz`)).text.includes('1 attached'));
    attach(port);
    await eventually('it trains', async () => (await ask(`${url}/readyz`)).status === 200);
    expect(JSON.parse((await ask(`${url}/readyz`)).text)).toEqual({ ready: true, state: 'training' });
  });
});

describe('/metrics', () => {
  it('asks for the token, and for nothing but to be read', async () => {
    const { url } = await startCoordinator('--no-ui');
    expect((await ask(`${url}/metrics`)).status).toBe(401);
    expect((await ask(`${url}/metrics`, { authorization: 'Bearer wrong' })).status).toBe(401);
    const { status, text } = await ask(`${url}/metrics`, bearer);
    expect(status).toBe(200);
    expect(text).toContain('lockstep_state{state="training"} 0');
    expect((await fetch(`${url}/metrics`, { method: 'POST', headers: bearer })).status).toBe(405);
  });

  it.skipIf(!isThere)('pleases promtool, and a real Prometheus scrapes it', async () => {
    const { url, port } = await startCoordinator();
    attach(port);
    attach(port);
    await eventually('steps are done', async () =>
      /^lockstep_steps_total [1-9]/m.test((await ask(`${url}/metrics`, bearer)).text),
    );
    const { text } = await ask(`${url}/metrics`, bearer);
    const checked = spawnSync('promtool', ['check', 'metrics'], { input: text, encoding: 'utf8' });
    expect(checked.stdout + checked.stderr).toBe('');
    expect(checked.status).toBe(0);
    const names = [...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name!);
    expect(names.length).toBeGreaterThan(30);
    expect(names.filter((name) => !name.startsWith('lockstep_'))).toEqual([]);
    expect([...text.matchAll(/^lockstep_node_workers\{/gm)]).toHaveLength(2);
    expect(spawnSync('promtool', ['check', 'rules', ALERTS]).status).toBe(0);

    const api = await startPrometheus(port);
    const query = async (expression: string): Promise<Queried> =>
      JSON.parse((await ask(`${api}/query?query=${encodeURIComponent(expression)}`)).text) as Queried;
    const first = async (expression: string): Promise<string | undefined> =>
      (await query(expression)).data.result[0]?.value[1];
    // Together: on a busy machine a later scrape may take too long, and then what an earlier one found is gone.
    await eventually(
      'it has scraped steps of two workers',
      async () => (await first('up == 1 and lockstep_workers == 2 and lockstep_steps_total > 0')) === '1',
    );
    const expressions = dashboardExpressions();
    expect(expressions.length).toBeGreaterThan(15);
    for (const expression of expressions) {
      expect(await query(expression), expression).toMatchObject({ status: 'success' });
    }
    // What the dashboard and the alerts name is there.
    const used = `${expressions.join('\n')}\n${readFileSync(ALERTS, 'utf8')}`.match(/\blockstep_\w+/g)!;
    const known = new Set(names.flatMap((name) => [name, `${name}_bucket`, `${name}_sum`, `${name}_count`]));
    expect([...new Set(used)].filter((name) => !known.has(name))).toEqual([]);
  });
});

interface Queried {
  readonly status: string;
  readonly data: { readonly result: readonly { readonly value: readonly [number, string] }[] };
}

/** @returns the address of its API */
async function startPrometheus(target: number): Promise<string> {
  const [folder, port] = [temporaryFolder(), await freePort()];
  const config = path.join(folder, 'prometheus.yml');
  writeFileSync(
    config,
    [
      'global: { scrape_interval: 2s }',
      `rule_files: [${JSON.stringify(ALERTS)}]`,
      'scrape_configs:',
      '  - job_name: lockstep',
      '    authorization: { credentials: ' + TOKEN + ' }',
      `    static_configs: [{ targets: ['127.0.0.1:${target}'] }]`,
    ].join('\n'),
  );
  const address = `127.0.0.1:${port}`;
  const storage = `--storage.tsdb.path=${path.join(folder, 'data')}`;
  startProgram('prometheus', [`--config.file=${config}`, storage, `--web.listen-address=${address}`]);
  return `http://${address}/api/v1`;
}

/** As Grafana sends them: with values for its variables. */
function dashboardExpressions(): readonly string[] {
  const { panels } = JSON.parse(readFileSync(DASHBOARD, 'utf8')) as {
    readonly panels: readonly { readonly targets: readonly { readonly expr: string }[] }[];
  };
  return panels.flatMap(({ targets }) => targets.map(({ expr }) => expr.replaceAll('$instance', '.*')));
}
