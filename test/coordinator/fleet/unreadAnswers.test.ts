import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { UnreadAnswers } from '../../../src/coordinator/fleet/unreadAnswers.js';
import { until } from '../../support/waiting.js';

/** Keeps the process from reading. */
function workFor(milliseconds: number): void {
  const endMs = performance.now() + milliseconds;
  while (performance.now() < endMs);
}

it('says that answers may wait, from each answer until the process has had to wait for input', async () => {
  const unread = new UnreadAnswers();
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const [peer] = (await once(server, 'connection')) as [typeof client];
  onTestFinished(() => {
    client.destroy();
    peer.destroy();
    server.close();
  });
  for (let round = 0; round < 3; round++) {
    unread.answerRead();
    expect(unread.areAllRead()).toBe(false);
    workFor(20);
    expect(unread.areAllRead()).toBe(false); // time has passed, but nothing was read
    client.write('x');
    await once(peer, 'data');
    unread.answerRead();
    expect(unread.areAllRead()).toBe(false);
    await until(() => unread.areAllRead());
  }
});
