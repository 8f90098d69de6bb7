/** MLflow by its REST API (https://mlflow.org/docs/latest/api_reference/rest-api.html), version 2.0. */

import { isRecord } from '../../foundation/isRecord.js';
import { LOCKSTEP_VERSION } from '../../protocol/index.js';
import { basicAuthorization, RefusedRequest, requestJson, textAt } from './requestJson.js';
import type { TrackerRequest } from './requestJson.js';
import type { EndState, Measurement, TrackedRun, Tracker } from './tracker.js';

const API = '/api/2.0/mlflow/';
/** Of one log-batch. */
const MOST_METRICS = 1000;
const MOST_PARAMS = 100;
/** Every store takes texts of this length. */
const LONGEST_PARAM = 500;
const STATUS: Readonly<Record<EndState, string>> = {
  finished: 'FINISHED',
  stopped: 'KILLED',
  failed: 'FAILED',
};

export interface MlflowOptions {
  readonly url: string;
  readonly experiment: string;
  readonly secrets: MlflowSecrets;
  readonly proxyFor?: TrackerRequest['proxyFor'];
}

/** A token, or a user's name and password, or nothing. */
export interface MlflowSecrets {
  readonly token?: string | undefined;
  readonly user?: string | undefined;
  readonly password?: string | undefined;
}

export class Mlflow implements Tracker {
  readonly name = 'MLflow';
  readonly place: string;

  constructor(private readonly options: MlflowOptions) {
    this.place = options.url.replace(/\/+$/, '');
  }

  async begin({ name, startedMs }: TrackedRun, signal: AbortSignal): Promise<string> {
    const answer = await this.post('runs/create', signal, {
      experiment_id: await this.experimentId(signal),
      run_name: name,
      start_time: startedMs,
      tags: [
        { key: 'mlflow.runName', value: name }, // servers before 1.30 know no run_name
        { key: 'mlflow.source.name', value: 'lockstep' },
        { key: 'lockstep.version', value: LOCKSTEP_VERSION },
      ],
    });
    return textAt(answer, 'run', 'info', 'run_id');
  }

  /** Parameters cannot be changed: those that a resumed run has changed keep their first value. */
  async describe(id: string, { options }: TrackedRun, signal: AbortSignal): Promise<void> {
    await this.post('runs/update', signal, { run_id: id, status: 'RUNNING' });
    const params = Object.entries(options).map(([key, value]) => ({
      key,
      value: value.slice(0, LONGEST_PARAM),
    }));
    for (let from = 0; from < params.length; from += MOST_PARAMS) {
      const body = { run_id: id, params: params.slice(from, from + MOST_PARAMS) };
      await this.post('runs/log-batch', signal, body).catch((error: unknown) => {
        if (!isCode(error, 'INVALID_PARAMETER_VALUE')) throw error;
      });
    }
  }

  async log(id: string, measurements: readonly Measurement[], signal: AbortSignal): Promise<void> {
    for (let from = 0; from < measurements.length; from += MOST_METRICS) {
      const metrics = measurements
        .slice(from, from + MOST_METRICS)
        .map(({ key, value, step, timeMs }) => ({ key, value, step, timestamp: timeMs }));
      await this.post('runs/log-batch', signal, { run_id: id, metrics });
    }
  }

  async end(id: string, state: EndState, timeMs: number, signal: AbortSignal): Promise<void> {
    await this.post('runs/update', signal, { run_id: id, status: STATUS[state], end_time: timeMs });
  }

  /** Of the experiment by this name, which is made if there is none. */
  private async experimentId(signal: AbortSignal): Promise<string> {
    const name = this.options.experiment;
    const query = `experiments/get-by-name?experiment_name=${encodeURIComponent(name)}`;
    try {
      return textAt(await this.send(query, signal), 'experiment', 'experiment_id');
    } catch (error) {
      if (!isCode(error, 'RESOURCE_DOES_NOT_EXIST')) throw error;
      return textAt(await this.post('experiments/create', signal, { name }), 'experiment_id');
    }
  }

  private post(path: string, signal: AbortSignal, body: object): Promise<unknown> {
    return this.send(path, signal, JSON.stringify(body));
  }

  private send(path: string, signal: AbortSignal, body?: string): Promise<unknown> {
    const { secrets, proxyFor } = this.options;
    return requestJson({
      url: `${this.place}${API}${path}`,
      ...(body === undefined ? {} : { body }),
      authorization: authorizationOf(secrets),
      proxyFor,
      signal,
    });
  }
}

function authorizationOf({ token, user, password }: MlflowSecrets): string | undefined {
  if (token !== undefined) return `Bearer ${token}`;
  if (user === undefined) return undefined;
  return basicAuthorization(user, password);
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof RefusedRequest && isRecord(error.answer) && error.answer['error_code'] === code;
}
