/** Checks whether a server that closed a plain connection speaks TLS. */

import { connect } from 'node:tls';

const TIMEOUT_MS = 5000;

/** Sends only a TLS handshake. The certificate is not checked: no data follows. */
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
