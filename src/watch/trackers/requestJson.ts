/** One request to a tracker, and its answer as JSON. */

import { request as requestInClear } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { request as requestEncrypted } from 'node:https';
import { HttpsProxyAgent } from 'https-proxy-agent';
import { isRecord } from '../../foundation/isRecord.js';
import { printable } from '../../foundation/printable.js';

const TIMEOUT_MS = 30_000;
const MOST_ANSWER_BYTES = 4 << 20;
const SHOWN_LENGTH = 200;

export interface TrackerRequest {
  readonly url: string;
  /** Undefined: GET. */
  readonly body?: string;
  readonly contentType?: string;
  /** The value of the header Authorization. */
  readonly authorization?: string | undefined;
  readonly proxyFor?: ((url: URL) => URL | undefined) | undefined;
  readonly signal: AbortSignal;
}

/** The service has answered, and refused. */
export class RefusedRequest extends Error {
  constructor(
    readonly status: number,
    readonly answer: unknown,
    message: string,
  ) {
    super(message);
  }
}

/** @throws Error that names the host, and never what was sent; RefusedRequest for a status that is no success */
export async function requestJson(request: TrackerRequest): Promise<unknown> {
  const url = new URL(request.url);
  const response = await send(url, request);
  const text = await readText(response);
  const answer = parsed(text);
  const { statusCode: status = 0 } = response;
  // A redirection is not followed: it would carry the secret elsewhere.
  if (status >= 200 && status < 300) return answer;
  const said = printable(withoutSecret(reasonOf(answer), request.authorization), SHOWN_LENGTH);
  throw new RefusedRequest(status, answer, `${url.host} answered ${status}${said === '' ? '' : `: ${said}`}`);
}

/** @throws Error if the answer has no text there */
export function textAt(answer: unknown, ...path: readonly string[]): string {
  const found = path.reduce<unknown>((value, key) => (isRecord(value) ? value[key] : undefined), answer);
  if (typeof found === 'string' && found !== '') return found;
  throw new Error(`its answer has no ${path.join('.')}; is the address that of the tracker's API?`);
}

/** The value of the header Authorization (RFC 7617). */
export function basicAuthorization(user = '', password = ''): string {
  return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
}

function send(url: URL, options: TrackerRequest): Promise<IncomingMessage> {
  const { body, contentType = 'application/json', authorization, proxyFor, signal } = options;
  const proxy = proxyFor?.(url);
  const request = url.protocol === 'https:' ? requestEncrypted : requestInClear;
  return new Promise((resolve, reject) => {
    const sent = request(
      url,
      {
        method: body === undefined ? 'GET' : 'POST',
        headers: {
          Accept: 'application/json',
          ...(authorization === undefined ? {} : { Authorization: authorization }),
          ...(body === undefined
            ? {}
            : { 'Content-Type': contentType, 'Content-Length': Buffer.byteLength(body) }),
        },
        signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
        ...(proxy ? { agent: new HttpsProxyAgent(proxy) } : {}),
      },
      resolve,
    );
    sent.on('error', (error) =>
      reject(new Error(`${url.host} cannot be reached: ${reasonWithoutAddress(error)}`)),
    );
    sent.end(body);
  });
}

/** Node's own message names the address again, as in `connect ECONNREFUSED 127.0.0.1:5000`. */
function reasonWithoutAddress({ message }: Error): string {
  return /^(?:connect|getaddrinfo) (E[A-Z_]+)\b/.exec(message)?.[1] ?? message;
}

async function readText(response: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = [];
  let byteCount = 0;
  for await (const piece of response as AsyncIterable<Buffer>) {
    byteCount += piece.byteLength;
    if (byteCount > MOST_ANSWER_BYTES) throw new Error('the answer is too long');
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString('utf8');
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** As MLflow and ClearML give it. */
function reasonOf(answer: unknown): string {
  if (!isRecord(answer)) return '';
  const { message, meta } = answer;
  if (typeof message === 'string') return message;
  return isRecord(meta) && typeof meta['result_msg'] === 'string' ? meta['result_msg'] : '';
}

/** A service may repeat what it was sent. */
function withoutSecret(text: string, authorization: string | undefined): string {
  const secret = authorization?.split(' ')[1];
  return secret === undefined || secret === '' ? text : text.replaceAll(secret, '…');
}
