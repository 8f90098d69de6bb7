/**
 * A TCP proxy before a coordinator that can forget the connections of nodes, as a router does that was restarted or a laptop's
 * network after sleep: nothing passes on them any more, neither side is told, and new connections work.
 */

import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';

export interface ForgetfulLink {
  readonly host: string;
  /** @returns how many connections of nodes it has forgotten now */
  forgetNodes(): number;
  close(): void;
}

interface Connection {
  readonly sockets: readonly Socket[];
  /** Others ask for pages. */
  isOfNode: boolean;
  isForgotten: boolean;
}

export async function forgetfulLink(targetPort: number): Promise<ForgetfulLink> {
  const connections = new Set<Connection>();
  const server = createServer((near) => {
    const far = connect(targetPort, '127.0.0.1');
    const connection: Connection = { sockets: [near, far], isOfNode: false, isForgotten: false };
    connections.add(connection);
    near.on('data', (chunk: Buffer) => {
      connection.isOfNode ||= /^upgrade: websocket/im.test(chunk.toString('latin1'));
    });
    pass(near, far, connection);
    pass(far, near, connection);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    forgetNodes: () => {
      const ofNodes = [...connections].filter((found) => found.isOfNode && !found.isForgotten);
      for (const found of ofNodes) found.isForgotten = true;
      return ofNodes.length;
    },
    close: () => {
      server.close();
      for (const { sockets } of connections) for (const socket of sockets) socket.destroy();
    },
  };
}

function pass(from: Socket, to: Socket, connection: Connection): void {
  from.setNoDelay(true);
  from.on('data', (chunk: Buffer) => {
    if (!connection.isForgotten) to.write(chunk);
  });
  from.on('error', () => undefined); // a close event follows
  from.on('close', () => {
    if (!connection.isForgotten) to.destroy();
  });
}
