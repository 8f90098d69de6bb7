/**
 * Reports why a connection was refused, once for each connection. Covers connections that fail before any request: TLS on
 * one side only, a certificate that is not trusted, or something that is not HTTP.
 */

import type { Server } from 'node:http';
import { Server as TlsServer } from 'node:https';
import type { Socket } from 'node:net';

const TLS_HANDSHAKE = 0x16; // its first byte, RFC 8446 section 5.1

interface ClientError extends NodeJS.ErrnoException {
  /** What could not be parsed as HTTP. */
  readonly rawPacket?: Buffer;
}

export class ConnectionOutcomes {
  /** Connections neither refused nor admitted yet: their endpoints, and the peer's address. */
  private readonly undecided = new Map<string, string>();

  /** @param onRefused gets the host, without the port */
  constructor(private readonly onRefused: (address: string, reason: string) => void) {}

  watch(server: Server): void {
    const hasTls = server instanceof TlsServer;
    server.on('connection', (socket: Socket) => this.arrive(socket, hasTls));
    // With TLS, failed handshakes are reported here too. Without a listener Node would answer, and nothing be reported.
    server.on('clientError', (error: ClientError, socket: Socket) => {
      const reason = reasonOf(error, hasTls);
      if (reason !== undefined) this.refused(socket, reason);
      if (socket.writable) socket.write(`HTTP/1.1 ${statusOf(error)}\r\nConnection: close\r\n\r\n`);
      socket.destroy();
    });
  }

  /** Reports the connection, unless it was reported or admitted before. @param socket with TLS, either of the two */
  refused(socket: Socket, reason: string): void {
    const address = this.undecided.get(endpointsOf(socket));
    if (address === undefined) return;
    this.admitted(socket);
    this.onRefused(address, reason);
  }

  admitted(socket: Socket): void {
    this.undecided.delete(endpointsOf(socket));
  }

  private arrive(socket: Socket, hasTls: boolean): void {
    const endpoints = endpointsOf(socket);
    const { remoteAddress } = socket;
    if (remoteAddress === undefined) return;
    this.undecided.set(endpoints, remoteAddress);
    socket.once('close', () => {
      // A node that does not trust the certificate sends nothing. Without TLS, this is a port scan: not reported.
      if (this.undecided.delete(endpoints) && hasTls) {
        this.onRefused(remoteAddress, 'it left during the TLS handshake; does it trust the certificate?');
      }
    });
  }
}

/** The connection's two endpoints: the same for a TLS socket and the TCP socket below it. */
export function endpointsOf({ localAddress, remoteAddress, remotePort }: Socket): string {
  return `${localAddress} ${remoteAddress} ${remotePort}`;
}

/** @returns undefined if the peer has just disconnected: that is reported when the connection is closed */
function reasonOf({ code = '', rawPacket }: ClientError, hasTls: boolean): string | undefined {
  if (code === 'ECONNRESET' || code === 'EPIPE') return undefined;
  if (code === 'ERR_SSL_HTTP_REQUEST') return 'it speaks without TLS; the worker needs wss:// in its URL';
  if (rawPacket?.[0] === TLS_HANDSHAKE && !hasTls) {
    return 'it speaks TLS and this coordinator does not; the worker needs ws:// in its URL';
  }
  if (code.startsWith('ERR_SSL')) return `the TLS handshake failed (${code})`;
  return `it does not speak HTTP (${code})`;
}

function statusOf({ code }: ClientError): string {
  return code === 'HPE_HEADER_OVERFLOW' ? '431 Request Header Fields Too Large' : '400 Bad Request';
}
