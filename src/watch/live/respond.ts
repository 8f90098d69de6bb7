/** How the servers of pages answer: always with the headers that keep the page to itself. */

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { PageFile } from './pageFiles.js';

export const HEADERS = {
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cache-Control': 'no-store',
} as const;

export function respondJson(
  response: ServerResponse,
  status: number,
  value: unknown,
  headers: Readonly<Record<string, string>> = {},
): void {
  respondText(response, status, JSON.stringify(value), headers);
}

/** @param json a text that is JSON already */
export function respondText(
  response: ServerResponse,
  status: number,
  json: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  respond(response, status, 'application/json; charset=utf-8', json, headers);
}

export function respond(
  response: ServerResponse,
  status: number,
  type: string,
  content: string | Buffer,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, {
    ...HEADERS,
    ...headers,
    'Content-Type': type,
    'Content-Length': Buffer.byteLength(content),
  });
  response.end(content);
}

/** Compressed, for those who can read that: pages also travel over slow links. */
export function respondFile(
  { headers: asked }: IncomingMessage,
  response: ServerResponse,
  { type, content, packed }: PageFile,
  headers: Readonly<Record<string, string>> = {},
): void {
  const isPacked =
    packed !== undefined && /\bgzip\b(?!\s*;\s*q=0(?:[^.]|$))/.test(String(asked['accept-encoding']));
  const about = { ...headers, Vary: 'Accept-Encoding' };
  if (!isPacked) return respond(response, 200, type, content, about);
  respond(response, 200, type, packed, { ...about, 'Content-Encoding': 'gzip' });
}

/** Bytes, for those who have others: who has been sent these before gets an empty answer. */
export function respondChanged(
  { headers: asked }: IncomingMessage,
  response: ServerResponse,
  { bytes, tag }: { readonly bytes: Buffer; readonly tag: string },
): void {
  const about = { ETag: `"${tag}"` };
  if (asked['if-none-match'] !== about.ETag) {
    return respond(response, 200, 'application/octet-stream', bytes, about);
  }
  response.writeHead(304, { ...HEADERS, ...about }).end();
}

/** Larger than any token. */
const MOST_BODY_BYTES = 4096;

/** `value` is undefined for a body that is no JSON. */
export type ReadBody = { readonly kind: 'whole'; readonly value: unknown } | { readonly kind: 'too-long' };

/** Reads no further than it must: the rest of a body that is too long waits in the request. */
export function readJsonBody(request: IncomingMessage): Promise<ReadBody> {
  const pieces: Buffer[] = [];
  let byteCount = 0;
  return new Promise((resolve) => {
    request.on('data', (piece: Buffer) => {
      byteCount += piece.byteLength;
      if (byteCount <= MOST_BODY_BYTES) return void pieces.push(piece);
      request.removeAllListeners('data').pause();
      resolve({ kind: 'too-long' });
    });
    request.once('end', () => resolve({ kind: 'whole', value: parsed(Buffer.concat(pieces).toString()) }));
    request.once('close', () => resolve({ kind: 'whole', value: undefined }));
  });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** How long the rest of a body may take to come. */
const REST_MS = 3_000;

/**
 * Answers that the body is too long, and closes. What still comes is read and dropped meanwhile: closing a connection with
 * bytes that nobody has read would reset it, and take the answer away.
 */
export function respondTooLong(request: IncomingMessage, response: ServerResponse): void {
  const json = JSON.stringify({ error: `the body is too long: at most ${MOST_BODY_BYTES} bytes` });
  response.writeHead(413, {
    ...HEADERS,
    'Content-Type': 'application/json; charset=utf-8',
    'Content-Length': Buffer.byteLength(json),
    Connection: 'close',
  });
  response.write(json);
  const end = (): void => {
    clearTimeout(timer);
    response.end();
  };
  const timer = setTimeout(end, REST_MS).unref();
  request.once('close', end).once('end', end).resume();
}
