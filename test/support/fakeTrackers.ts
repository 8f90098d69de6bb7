/** Small servers that answer as MLflow's and ClearML's documentation says, and refuse what it says they refuse. */

import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

export interface FakeServer {
  readonly url: string;
  /** The paths asked for, in order. */
  readonly asked: string[];
  /** Answers every request with this status, while it is set. */
  outage: number | undefined;
}

type Body = Readonly<Record<string, unknown>>;
interface Reply {
  readonly status: number;
  readonly body: unknown;
}

async function serve(
  answer: (path: string, body: string, request: IncomingMessage) => Reply,
): Promise<FakeServer> {
  const fake: { url: string; asked: string[]; outage: number | undefined } = {
    url: '',
    asked: [],
    outage: undefined,
  };
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = (await request.toArray()).join('');
    const path = request.url!;
    fake.asked.push(path);
    const { status, body: said } =
      fake.outage === undefined ? answer(path, body, request) : { status: fake.outage, body: {} };
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(said));
  };
  const server = createServer((request, response) => void handle(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  fake.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return fake;
}

export interface MlflowRun {
  readonly experiment: string;
  readonly name: string;
  status: string;
  endTime: number | undefined;
  readonly params: Map<string, string>;
  readonly metrics: {
    readonly key: string;
    readonly value: number;
    readonly step: number;
    readonly timestamp: number;
  }[];
}

export interface FakeMlflow extends FakeServer {
  readonly runs: Map<string, MlflowRun>;
}

/** @param authorization what every request must show */
export async function fakeMlflow(authorization?: string): Promise<FakeMlflow> {
  const experiments = new Map<string, string>();
  const runs = new Map<string, MlflowRun>();
  const refuse = (status: number, code: string): Reply => ({
    status,
    body: { error_code: code, message: `refused: ${code}` },
  });
  const fake = await serve((path, text, request) => {
    if (request.headers.authorization !== authorization) {
      return { status: 401, body: { message: `not allowed: ${request.headers.authorization}` } };
    }
    const { pathname, searchParams } = new URL(path, 'http://fake');
    const body = (text === '' ? {} : JSON.parse(text)) as Body;
    const run = runs.get(String(body['run_id']));
    switch (`${request.method} ${pathname.replace('/api/2.0/mlflow/', '')}`) {
      case 'GET experiments/get-by-name': {
        const id = experiments.get(searchParams.get('experiment_name')!);
        if (id === undefined) return refuse(404, 'RESOURCE_DOES_NOT_EXIST');
        return { status: 200, body: { experiment: { experiment_id: id } } };
      }
      case 'POST experiments/create':
        experiments.set(String(body['name']), '7');
        return { status: 200, body: { experiment_id: '7' } };
      case 'POST runs/create': {
        const id = `run${runs.size}`;
        runs.set(id, {
          experiment: String(body['experiment_id']),
          name: String(body['run_name']),
          status: 'RUNNING',
          endTime: undefined,
          params: new Map(),
          metrics: [],
        });
        return { status: 200, body: { run: { info: { run_id: id } } } };
      }
      case 'POST runs/update':
        if (!run) return refuse(404, 'RESOURCE_DOES_NOT_EXIST');
        run.status = String(body['status']);
        run.endTime = body['end_time'] as number | undefined;
        return { status: 200, body: {} };
      case 'POST runs/log-batch': {
        if (!run) return refuse(404, 'RESOURCE_DOES_NOT_EXIST');
        const { metrics = [], params = [] } = body as {
          metrics?: MlflowRun['metrics'];
          params?: { key: string; value: string }[];
        };
        if (metrics.length > 1000 || params.length > 100 || text.length > 1e6)
          return refuse(400, 'INVALID_PARAMETER_VALUE');
        if (params.some(({ key, value }) => (run.params.get(key) ?? value) !== value))
          return refuse(400, 'INVALID_PARAMETER_VALUE');
        params.forEach(({ key, value }) => run.params.set(key, value));
        run.metrics.push(...metrics);
        return { status: 200, body: {} };
      }
      default:
        return refuse(404, 'ENDPOINT_NOT_FOUND');
    }
  });
  return Object.assign(fake, { runs });
}

export interface ClearmlTask {
  readonly name: string;
  readonly project: string;
  status: string;
  readonly hyperparams: Map<string, string>;
  readonly events: Body[];
}

export interface FakeClearml extends FakeServer {
  readonly tasks: Map<string, ClearmlTask>;
  /** Ends all sessions: whoever is logged in must log in again. */
  expire(): void;
}

export async function fakeClearml(accessKey: string, secretKey: string): Promise<FakeClearml> {
  const projects: { readonly id: string; readonly name: string }[] = [];
  const tasks = new Map<string, ClearmlTask>();
  let session = 1;
  const done = (data: unknown): Reply => ({ status: 200, body: { meta: { result_code: 200 }, data } });
  const refuse = (status: number, message: string): Reply => ({
    status,
    body: { meta: { result_code: status, result_msg: message }, data: {} },
  });
  const fake = await serve((path, text, request) => {
    const { authorization } = request.headers;
    const endpoint = path.slice(1);
    if (endpoint === 'auth.login') {
      const expected = `Basic ${Buffer.from(`${accessKey}:${secretKey}`).toString('base64')}`;
      return authorization === expected ? done({ token: `session${session}` }) : refuse(401, 'wrong keys');
    }
    if (authorization !== `Bearer session${session}`) return refuse(401, 'the session is over');
    if (endpoint === 'events.add_batch') {
      if (request.headers['content-type'] !== 'application/json-lines') return refuse(400, 'not json-lines');
      const events = text.split('\n').map((line) => JSON.parse(line) as Body);
      events.forEach((event) => tasks.get(String(event['task']))!.events.push(event));
      return done({ added: events.length, errors: 0 });
    }
    const body = JSON.parse(text) as Body;
    const task = tasks.get(String(body['task']));
    switch (endpoint) {
      case 'projects.get_all': {
        const pattern = new RegExp(String(body['name']), 'u');
        return done({ projects: projects.filter(({ name }) => pattern.test(name)) });
      }
      case 'projects.create':
        projects.push({ id: `project${projects.length}`, name: String(body['name']) });
        return done({ id: projects.at(-1)!.id });
      case 'tasks.create': {
        const id = `task${tasks.size}`;
        tasks.set(id, {
          name: String(body['name']),
          project: String(body['project']),
          status: 'created',
          hyperparams: new Map(),
          events: [],
        });
        return done({ id });
      }
      case 'tasks.edit_hyper_params':
        for (const { name, value } of body['hyperparams'] as { name: string; value: string }[]) {
          task!.hyperparams.set(name, value);
        }
        return done({ updated: 1 });
      case 'tasks.started':
      case 'tasks.completed':
      case 'tasks.stopped':
      case 'tasks.failed':
        task!.status = endpoint.slice('tasks.'.length);
        return done({ updated: 1 });
      default:
        return refuse(404, 'no such endpoint');
    }
  });
  return Object.assign(fake, {
    tasks,
    expire: () => {
      session++;
    },
  });
}
