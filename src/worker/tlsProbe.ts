/** Finds out whether a server that hung up on a plain connection would have talked TLS. */

import { connect } from 'node:tls';

const TIMEOUT_MS = 5000;

/** Sends nothing but a TLS handshake; whom the certificate belongs to does not matter here. */
export function speaksTls(host: string, port: number, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, rejectUnauthorized: false, timeout: TIMEOUT_MS });
    const answer = (speaks: boolean): void => {
      signal.removeEventListener('abort', stop);
      socket.destroy();
      resolve(speaks);
    };
    const stop = (): void => answer(false);
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop);
    socket.once('secureConnect', () => answer(true));
    socket.once('timeout', () => answer(false));
    socket.on('error', () => answer(false));
    socket.once('close', () => answer(false));
  });
}
