/** Asks the server that the page came from. Who has logged in is known by a cookie, which scripts cannot read. */

import type {
  EvaluationAnswer,
  FiltersAnswer,
  LiveView,
  LoginRequest,
  MeAnswer,
  RunAnswer,
  RunsAnswer,
} from '../../watch/live/api.js';

/** The session has ended, or there was none. */
export class LoginNeeded extends Error {}

/** The server refused, and says why. */
export class Refused extends Error {}

/** Something between this page and the server answered in its place, perhaps because the server is away. */
export class ProxyAnswer extends Error {}

/** Takes the token out of the address, so that it is not copied along with it. */
export function takeTokenFromAddress(): string | undefined {
  const token = new URLSearchParams(location.hash.slice(1)).get('token');
  if (token === null) return undefined;
  history.replaceState(null, '', location.pathname);
  return token;
}

export function fetchMe(): Promise<MeAnswer> {
  return fetchJson('api/me') as Promise<MeAnswer>;
}

/** @throws Refused for a wrong token */
export function logIn(token: string): Promise<MeAnswer> {
  const body: LoginRequest = { token };
  return fetchJson('api/login', post(body)) as Promise<MeAnswer>;
}

export async function logOut(): Promise<void> {
  await fetchJson('api/logout', post({}));
}

export async function requestStop(): Promise<void> {
  await fetchJson('api/stop', post({}));
}

export function fetchRuns(): Promise<RunsAnswer> {
  return fetchJson('api/runs') as Promise<RunsAnswer>;
}

/** @param version what is known of the run: another one gets another answer than a moment ago */
export function fetchRun(id: string, withSteps: boolean, version = ''): Promise<RunAnswer> {
  const query = new URLSearchParams({ id, v: version, ...(withSteps ? { steps: '1' } : {}) });
  return fetchJson(`api/run?${query}`) as Promise<RunAnswer>;
}

export function fetchEvaluation(id: string, name: string): Promise<EvaluationAnswer> {
  const address = `api/evaluation?id=${encodeURIComponent(id)}&name=${encodeURIComponent(name)}`;
  return fetchJson(address) as Promise<EvaluationAnswer>;
}

export function fetchFilters(id: string): Promise<FiltersAnswer> {
  return fetchJson(`api/filters?id=${encodeURIComponent(id)}`) as Promise<FiltersAnswer>;
}

export interface TaggedWeights {
  readonly frame: ArrayBuffer;
  readonly tag: string;
}

/**
 * @param tag of those that are there already
 * @returns undefined if the run has no others
 * @throws Refused if there are none that a page can use
 */
export async function fetchWeights(id: string, tag: string | undefined): Promise<TaggedWeights | undefined> {
  const headers = tag === undefined ? undefined : { 'If-None-Match': tag };
  const response = await ask(`api/weights?id=${encodeURIComponent(id)}`, headers && { headers });
  if (response.status === UNCHANGED) return undefined;
  return { frame: await response.arrayBuffer(), tag: response.headers.get('ETag') ?? '' };
}

const UNCHANGED = 304;

export interface LiveListener {
  readonly onView: (view: LiveView) => void;
  /** The process ends. */
  readonly onEnded: () => void;
  readonly onLoggedOut: () => void;
  /** No connection. The browser tries again, but not after an answer with an error, such as a proxy's 502. */
  readonly onLost: () => void;
}

/** @returns ends it */
export function openLive({ onView, onEnded, onLoggedOut, onLost }: LiveListener): () => void {
  const source = new EventSource('api/live');
  source.addEventListener('message', ({ data }) => onView(JSON.parse(String(data)) as LiveView));
  source.addEventListener('ended', () => {
    source.close();
    onEnded();
  });
  source.addEventListener('logged-out', () => {
    source.close();
    onLoggedOut();
  });
  source.addEventListener('error', () => onLost());
  return () => source.close();
}

function post(body: object): RequestInit {
  return { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) };
}

async function fetchJson(path: string, init?: RequestInit): Promise<unknown> {
  return jsonOf(await ask(path, init));
}

async function ask(path: string, init?: RequestInit): Promise<Response> {
  const response = await fetch(path, init);
  if (response.status === 401 && path !== 'api/login') throw new LoginNeeded();
  if (response.ok || response.status === UNCHANGED) return response;
  if (OF_PROXIES.includes(response.status)) throw answeredByProxy(response);
  const said = (await jsonOf(response)) as { readonly error?: unknown } | null;
  throw typeof said?.error === 'string' ? new Refused(said.error) : answeredByProxy(response);
}

async function jsonOf(response: Response): Promise<unknown> {
  const text = await response.text();
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw answeredByProxy(response);
  }
}

/** Bad Gateway and Gateway Timeout: the server itself never sends them. */
const OF_PROXIES: readonly number[] = [502, 504];

function answeredByProxy({ status, statusText }: Response): ProxyAnswer {
  const what = [status, statusText].join(' ').trimEnd();
  return new ProxyAnswer(`a proxy answered in place of the server (${what})`);
}
