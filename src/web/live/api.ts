/** Asks the server that the page came from. The token comes from the address, behind #, or from the form. */

import type { EvaluationAnswer, FiltersAnswer, RunAnswer, RunsAnswer } from '../../watch/live/api.js';

const TOKEN_KEY = 'lockstep-token';

export class TokenNeeded extends Error {}

/** Takes the token out of the address, so that it is not copied along with it. */
export function takeTokenFromAddress(): void {
  const token = new URLSearchParams(location.hash.slice(1)).get('token');
  if (token === null) return;
  keepToken(token);
  history.replaceState(null, '', location.pathname);
}

/** For this tab, until it is closed. */
export function keepToken(token: string): void {
  sessionStorage.setItem(TOKEN_KEY, token);
}

export function fetchRuns(): Promise<RunsAnswer> {
  return fetchJson('api/runs') as Promise<RunsAnswer>;
}

export function fetchRun(id: string, withSteps: boolean): Promise<RunAnswer> {
  const steps = withSteps ? '&steps=1' : '';
  return fetchJson(`api/run?id=${encodeURIComponent(id)}${steps}`) as Promise<RunAnswer>;
}

export function fetchEvaluation(id: string, name: string): Promise<EvaluationAnswer> {
  const address = `api/evaluation?id=${encodeURIComponent(id)}&name=${encodeURIComponent(name)}`;
  return fetchJson(address) as Promise<EvaluationAnswer>;
}

export function fetchFilters(id: string): Promise<FiltersAnswer> {
  return fetchJson(`api/filters?id=${encodeURIComponent(id)}`) as Promise<FiltersAnswer>;
}

async function fetchJson(path: string): Promise<unknown> {
  const token = sessionStorage.getItem(TOKEN_KEY);
  const response = await fetch(path, token === null ? {} : { headers: { Authorization: `Bearer ${token}` } });
  if (response.status === 401) throw new TokenNeeded();
  if (!response.ok) throw new Error(((await response.json()) as { error: string }).error);
  return response.json();
}
