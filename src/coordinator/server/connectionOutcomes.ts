/**
 * Tells why connections became no node's, once each: also those that fail before any request, by TLS on one side only, by
 * a certificate that is not trusted, or because it is no HTTP that they speak.
 */

import type { Server } from 'node:http';
import { Server as TlsServer } from 'node:https';
import type { Socket } from 'node:net';

const TLS_HANDSHAKE = 0x16; // its first byte, RFC 8446 section 5.1

interface ClientError extends NodeJS.ErrnoException {
  /** What could not be parsed as HTTP. */
  readonly rawPacket?: Buffer;
}

export class Callers {
  /** Those that have become nothing yet: the two ends of the connection, and the address. */
  private readonly undecided = new Map<string, string>();

  /** @param onRefused gets the host, without the port */
  constructor(private readonly onRefused: (address: string, reason: string) => void) {}

  watch(server: Server): void {
    const hasTls = server instanceof TlsServer;
    server.on('connection', (socket: Socket) => this.arrive(socket, hasTls));
    // With TLS this is told of a failed handshake, too. Without a listener Node answers, and nobody knows.
    server.on('clientError', (error: ClientError, socket: Socket) => {
      const reason = reasonOf(error, hasTls);
      if (reason !== undefined) this.refused(socket, reason);
      if (socket.writable) socket.write(`HTTP/1.1 ${statusOf(error)}\r\nConnection: close\r\n\r\n`);
      socket.destroy();
    });
  }

  /** Tells of the connection, unless it was told of or admitted before. @param socket with TLS, either of its two */
  refused(socket: Socket, reason: string): void {
    const address = this.undecided.get(endsOf(socket));
    if (address === undefined) return;
    this.admitted(socket);
    this.onRefused(address, reason);
  }

  admitted(socket: Socket): void {
    this.undecided.delete(endsOf(socket));
  }

  private arrive(socket: Socket, hasTls: boolean): void {
    const ends = endsOf(socket);
    const { remoteAddress } = socket;
    if (remoteAddress === undefined) return;
    this.undecided.set(ends, remoteAddress);
    socket.once('close', () => {
      // A node that does not trust the certificate says nothing. Without TLS it is somebody who looks for open ports.
      if (this.undecided.delete(ends) && hasTls) {
        this.onRefused(remoteAddress, 'it left during the TLS handshake; does it trust the certificate?');
      }
    });
  }
}

/** The two ends of the connection: the same for a TLS socket and the plain one beneath it. */
export function endsOf({ localAddress, remoteAddress, remotePort }: Socket): string {
  return `${localAddress} ${remoteAddress} ${remotePort}`;
}

/** @returns undefined if it has just left, which is told when the connection is closed */
function reasonOf({ code = '', rawPacket }: ClientError, hasTls: boolean): string | undefined {
  if (code === 'ECONNRESET' || code === 'EPIPE') return undefined;
  if (code === 'ERR_SSL_HTTP_REQUEST') return 'it speaks without TLS; the worker needs wss:// in its URL';
  if (rawPacket?.[0] === TLS_HANDSHAKE && !hasTls) {
    return 'it speaks TLS, and this coordinator does not; the worker needs ws:// in its URL';
  }
  if (code.startsWith('ERR_SSL')) return `the TLS handshake failed (${code})`;
  return `it speaks no HTTP (${code})`;
}

function statusOf({ code }: ClientError): string {
  return code === 'HPE_HEADER_OVERFLOW' ? '431 Request Header Fields Too Large' : '400 Bad Request';
}
