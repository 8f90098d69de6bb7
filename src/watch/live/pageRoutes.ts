/**
 * The paths of the live page, for whatever server it is part of. The guards, from the outside in:
 *
 * - where no secret is asked for, only requests whose Host header names this machine (DNS rebinding);
 * - a grant for everything that tells of runs: a cookie, or `Authorization: Bearer` (access.ts);
 * - for requests that change something, an Origin that is this server, or a bearer; and the right to control;
 * - a Content-Security-Policy by which the page loads and asks nothing but this server (respond.ts).
 */

import type { IncomingMessage, ServerResponse } from 'node:http';
import { bearerOf, isOfAskedServer, namesLoopback } from '../../coordinator/index.js';
import type { RequestHandler, Routes } from '../../coordinator/index.js';
import { isRecord } from '../../foundation/isRecord.js';
import { LOCKSTEP_VERSION } from '../../protocol/index.js';
import { Access, cookieHeader } from './access.js';
import type { Grant, Secrets } from './access.js';
import { AnswerCache } from './answerCache.js';
import type { MeAnswer, RunsAnswer } from './api.js';
import type { LiveStream } from './liveStream.js';
import type { PageFile } from './pageFiles.js';
import {
  readJsonBody,
  respondChanged,
  respondFile,
  respondJson,
  respondText,
  respondTooLong,
} from './respond.js';
import type { RunSource } from './runSource.js';

export interface PageOptions {
  readonly secrets: Secrets;
  readonly runs: RunSource;
  /** By path: `/`, `/page.js`. */
  readonly files: ReadonlyMap<string, PageFile>;
  /** Of the run of this process; undefined for a page over folders. */
  readonly live?: LivePart | undefined;
  /** Told of a wrong secret. @param address the host, without the port */
  readonly onRefused?: ((address: string, reason: string) => void) | undefined;
}

export interface LivePart {
  readonly stream: LiveStream;
  /** Called before the last picture is made: the process ends. */
  readonly onClosing?: (() => void) | undefined;
  /** Asks the run to save and stop. @param who the viewer's address */
  readonly stop?: ((who: string) => void) | undefined;
  readonly attach?: (() => AttachCommand | undefined) | undefined;
  /** The link by which browser tabs attach, with its secret: for those who control the run. */
  readonly join?: (() => string | undefined) | undefined;
}

export interface AttachCommand {
  readonly shown: string;
  /** The same with the token, for those who have shown it. */
  readonly withToken: string;
}

export interface Page {
  readonly routes: Routes;
  /** Ends all streams and sessions; first viewers get a moment to ask for the run's last lines. */
  close(): Promise<void>;
}

const LAST_REQUESTS_MS = 300;

export function pageOf(options: PageOptions): Page {
  const access = new Access(options.secrets);
  const requests = new PageRequests(options, access);
  const guarded: RequestHandler = (request, response) => {
    if (access.isOpen && !namesLoopback(request)) {
      return respondJson(response, 403, { error: 'the Host header must name this machine, as in 127.0.0.1' });
    }
    return requests.answer(request, response);
  };
  return {
    routes: new Map([...options.files.keys(), '/api/*'].map((path) => [path, guarded])),
    close: async () => {
      // The run's last events may still wait for their turn.
      for (let turn = 0; turn < 2; turn++) await new Promise((resolve) => setImmediate(resolve));
      const isWatched = options.live?.stream.isWatched === true;
      options.live?.onClosing?.();
      requests.forget();
      options.live?.stream.close();
      if (isWatched) await new Promise((resolve) => setTimeout(resolve, LAST_REQUESTS_MS));
      access.sessions.closeAll();
    },
  };
}

/** Who asks, and for what. */
interface Asked {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly url: URL;
  readonly grant: Grant | undefined;
}

class PageRequests {
  private readonly answers = new AnswerCache();

  constructor(
    private readonly options: PageOptions,
    private readonly access: Access,
  ) {}

  /** Whoever asks now gets the latest. */
  forget(): void {
    this.answers.clear();
  }

  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://page');
    const asked = { request, response, url, grant: this.access.grantOf(request) };
    if (!asked.grant && bearerOf(request) !== undefined) {
      this.options.onRefused?.(addressOf(request), 'a wrong token, at the live page');
    }
    if (request.method === 'POST') return this.change(asked);
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      return respondJson(response, 405, { error: 'only GET and POST' });
    }
    const file = this.options.files.get(url.pathname);
    if (file) return respondFile(request, response, file, file.headers);
    if (url.pathname === '/api/me') return respondJson(response, 200, this.me(asked.grant));
    if (!asked.grant) return respondJson(response, 401, { error: 'log in first' });
    return this.tell(asked);
  }

  private async tell({ request, response, url, grant }: Asked): Promise<void> {
    const { runs, live } = this.options;
    switch (url.pathname) {
      case '/api/runs': {
        const text = await this.answers.get('runs', async (): Promise<RunsAnswer> => {
          const listed = await runs.list();
          return { root: runs.root, version: LOCKSTEP_VERSION, runs: listed };
        });
        return respondText(response, 200, text!);
      }
      case '/api/run': {
        const [id, withSteps] = [url.searchParams.get('id') ?? '', url.searchParams.has('steps')];
        const text = await this.answers.get(`run ${withSteps} ${id}`, () => runs.run(id, withSteps));
        return text === undefined
          ? respondJson(response, 404, { error: 'there is no such run' })
          : respondText(response, 200, text);
      }
      case '/api/evaluation': {
        const { searchParams } = url;
        const found = await runs.evaluation(searchParams.get('id') ?? '', searchParams.get('name') ?? '');
        return found
          ? respondJson(response, 200, found)
          : respondJson(response, 404, { error: 'there is no such evaluation' });
      }
      case '/api/filters': {
        const found = await runs.filters(url.searchParams.get('id') ?? '');
        return found === undefined
          ? respondJson(response, 404, { error: 'there is no such run' })
          : respondJson(response, 200, found);
      }
      case '/api/weights': {
        const found = await runs.weights(url.searchParams.get('id') ?? '');
        if (found) return respondChanged(request, response, found);
        const error =
          found === null
            ? 'this run has no weights yet that a page can compute with'
            : 'there is no such run';
        return respondJson(response, 404, { error });
      }
      case '/api/live': {
        if (!live) break;
        if (live.stream.isFullFor(grant!.right))
          return respondJson(response, 503, { error: 'too many viewers; try again' });
        if (request.method === 'HEAD') return respondJson(response, 200, {});
        const { sessionId, right } = grant!;
        live.stream.open(response, right);
        if (sessionId === undefined) return;
        const forget = this.access.sessions.whenEnded(sessionId, () => response.end(LOGGED_OUT));
        response.on('close', forget);
        return;
      }
    }
    return respondJson(response, 404, { error: 'there is no such page' });
  }

  /** Requests that change something: never from another site. */
  private async change({ request, response, url, grant }: Asked): Promise<void> {
    const { pathname } = url;
    if (!['/api/login', '/api/logout', '/api/stop'].includes(pathname)) {
      return respondJson(response, 405, { error: 'only GET' });
    }
    if (!isOfAskedServer(request) && grant?.isBearer !== true) {
      return respondJson(response, 403, { error: 'the request comes from another site' });
    }
    if (pathname === '/api/login') return this.logIn(request, response);
    if (!grant) return respondJson(response, 401, { error: 'log in first' });
    if (pathname === '/api/logout') return this.logOut(request, response, grant);
    const stop = this.options.live?.stop;
    if (!stop) return respondJson(response, 404, { error: 'there is nothing to stop' });
    if (grant.right !== 'control') {
      return respondJson(response, 403, { error: 'viewers cannot stop the run; log in with its token' });
    }
    stop(addressOf(request));
    return respondJson(response, 202, {});
  }

  private async logIn(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const address = addressOf(request);
    if (!this.access.mayTry(address)) {
      return respondJson(response, 429, { error: 'too many tries; wait a minute' });
    }
    const body = await readJsonBody(request);
    if (body.kind === 'too-long') return respondTooLong(request, response);
    const { value } = body;
    const token = isRecord(value) && typeof value['token'] === 'string' ? value['token'] : '';
    const right = this.access.rightFor(token);
    if (!right) {
      this.options.onRefused?.(address, 'a wrong token, at the live page');
      return respondJson(response, 401, { error: 'the token is wrong' });
    }
    const { sessions } = this.access;
    const id = sessions.begin(right);
    const cookie = cookieHeader(request, id, sessions.lifetimeMs);
    const me = this.me({ right, sessionId: id, isBearer: false });
    return respondJson(response, 200, me, { 'Set-Cookie': cookie });
  }

  private logOut(request: IncomingMessage, response: ServerResponse, { sessionId }: Grant): void {
    if (sessionId !== undefined) this.access.sessions.close(sessionId);
    const cookie = cookieHeader(request, undefined, 0);
    respondJson(response, 200, this.me(undefined), { 'Set-Cookie': cookie });
  }

  private me(grant: Grant | undefined): MeAnswer {
    const { live } = this.options;
    const right = grant?.right ?? 'none';
    const command = grant && live?.attach?.();
    return {
      right,
      canLogOut: grant?.sessionId !== undefined,
      shows: live ? 'run' : 'folder',
      canStop: right === 'control' && live?.stop !== undefined,
      attach: command
        ? { shown: command.shown, copied: right === 'control' ? command.withToken : command.shown }
        : null,
      join: (right === 'control' ? live?.join?.() : undefined) ?? null,
    };
  }
}

const LOGGED_OUT = 'event: logged-out\ndata: {}\n\n';

function addressOf({ socket }: IncomingMessage): string {
  return socket.remoteAddress ?? 'unknown';
}
