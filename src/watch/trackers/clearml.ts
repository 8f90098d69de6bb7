/** ClearML by the REST API of its API server (https://clear.ml/docs/latest/docs/references/api/index). */

import { isRecord } from '../../foundation/isRecord.js';
import { basicAuthorization, RefusedRequest, requestJson, textAt } from './requestJson.js';
import type { TrackerRequest } from './requestJson.js';
import type { EndState, Measurement, TrackedRun, Tracker } from './tracker.js';

const SECTION = 'Lockstep';
const UNAUTHORIZED = 401;
const ENDINGS: Readonly<Record<EndState, string>> = {
  finished: 'tasks.completed',
  stopped: 'tasks.stopped',
  failed: 'tasks.failed',
};

export interface ClearmlOptions {
  /** Of the API server, such as https://api.clear.ml. */
  readonly url: string;
  readonly project: string;
  readonly secrets: ClearmlSecrets;
  readonly proxyFor?: TrackerRequest['proxyFor'];
}

export interface ClearmlSecrets {
  readonly accessKey?: string | undefined;
  readonly secretKey?: string | undefined;
}

export class Clearml implements Tracker {
  readonly name = 'ClearML';
  readonly place: string;
  /** For some hours. */
  private sessionToken: string | undefined;

  constructor(private readonly options: ClearmlOptions) {
    this.place = options.url.replace(/\/+$/, '');
  }

  async begin({ name }: TrackedRun, signal: AbortSignal): Promise<string> {
    const project = await this.projectId(signal);
    return textAt(await this.call('tasks.create', { name, type: 'training', project }, signal), 'id');
  }

  async describe(task: string, { options }: TrackedRun, signal: AbortSignal): Promise<void> {
    const hyperparams = Object.entries(options).map(([name, value]) => ({ section: SECTION, name, value }));
    await this.call('tasks.edit_hyper_params', { task, hyperparams, force: true }, signal);
    await this.call('tasks.started', { task, force: true }, signal);
  }

  async log(task: string, measurements: readonly Measurement[], signal: AbortSignal): Promise<void> {
    const lines = measurements.map(({ key, value, step, timeMs }) => {
      const [metric, variant = metric] = key.split('/');
      const type = 'training_stats_scalar';
      return JSON.stringify({ type, task, metric, variant, iter: step, value, timestamp: timeMs });
    });
    const answer = await this.send('events.add_batch', lines.join('\n'), 'application/json-lines', signal);
    const errors = isRecord(answer) ? answer['errors'] : undefined;
    if (typeof errors === 'number' && errors > 0) throw new Error(`it has not taken ${errors} values`);
  }

  async end(task: string, state: EndState, _timeMs: number, signal: AbortSignal): Promise<void> {
    await this.call(ENDINGS[state], { task, force: true }, signal);
  }

  /** Of the project by this name, which is made if there is none. */
  private async projectId(signal: AbortSignal): Promise<string> {
    const { project: name } = this.options;
    const pattern = `^${name.replace(/[^\p{Letter}\p{Number} _-]/gu, '\\$&')}$`;
    const answer = await this.call(
      'projects.get_all',
      { name: pattern, only_fields: ['id', 'name'] },
      signal,
    );
    const projects = isRecord(answer) && Array.isArray(answer['projects']) ? answer['projects'] : [];
    const found = projects.find((project) => isRecord(project) && project['name'] === name) as unknown;
    return textAt(found ?? (await this.call('projects.create', { name, description: '' }, signal)), 'id');
  }

  private call(endpoint: string, body: object, signal: AbortSignal): Promise<unknown> {
    return this.send(endpoint, JSON.stringify(body), 'application/json', signal);
  }

  /** Logs in before the first call, and again when the session is over. */
  private async send(
    endpoint: string,
    body: string,
    contentType: string,
    signal: AbortSignal,
  ): Promise<unknown> {
    const isNew = this.sessionToken === undefined;
    this.sessionToken ??= await this.logIn(signal);
    try {
      return await this.request(endpoint, body, contentType, `Bearer ${this.sessionToken}`, signal);
    } catch (error) {
      if (!(error instanceof RefusedRequest) || error.status !== UNAUTHORIZED) throw error;
      this.sessionToken = undefined;
      if (isNew) throw error;
      return this.send(endpoint, body, contentType, signal);
    }
  }

  private async logIn(signal: AbortSignal): Promise<string> {
    const { accessKey, secretKey } = this.options.secrets;
    const basic = basicAuthorization(accessKey, secretKey);
    return textAt(await this.request('auth.login', '{}', 'application/json', basic, signal), 'token');
  }

  private async request(
    endpoint: string,
    body: string,
    contentType: string,
    authorization: string,
    signal: AbortSignal,
  ): Promise<unknown> {
    const { proxyFor } = this.options;
    const url = `${this.place}/${endpoint}`;
    const answer = await requestJson({ url, body, contentType, authorization, proxyFor, signal });
    return isRecord(answer) ? answer['data'] : undefined;
  }
}
