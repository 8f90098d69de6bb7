import { describe, expect, it } from 'vitest';
import { Broadcast, createLocalChannel } from '../../src/protocol/index.js';
import type { NodeMessage } from '../../src/protocol/index.js';
import { settled } from '../support/waiting.js';
import { evaluated, hello, parameters, result } from '../support/messages.js';

/** What arrives at one end, in order; closings as `closed: reason`. */
function recorder(): { log: unknown[]; onMessage(message: unknown): void; onClose(reason: string): void } {
  const log: unknown[] = [];
  return {
    log,
    onMessage: (message) => void log.push(message),
    onClose: (reason) => void log.push(`closed: ${reason}`),
  };
}

describe('a local channel', () => {
  it('delivers in order, also what was sent before the other end was opened', async () => {
    const { coordinatorEnd, nodeEnd } = createLocalChannel('here');
    const sent = [hello(), evaluated({ chunk: 1 }), evaluated({ chunk: 2 })];
    nodeEnd.send(sent[0]!);
    nodeEnd.send(sent[1]!);
    await settled();
    const atCoordinator = recorder();
    coordinatorEnd.open(atCoordinator);
    nodeEnd.send(sent[2]!);
    await settled();
    expect(atCoordinator.log).toEqual(sent);
  });

  it('delivers after send has returned, so that nobody is called within a call', () => {
    const { coordinatorEnd, nodeEnd } = createLocalChannel('here');
    const atCoordinator = recorder();
    coordinatorEnd.open(atCoordinator);
    nodeEnd.send(hello());
    expect(atCoordinator.log).toEqual([]);
  });

  it('hands messages over by reference: weights are not copied', async () => {
    const { coordinatorEnd, nodeEnd } = createLocalChannel('here');
    const atNode = recorder();
    nodeEnd.open(atNode);
    const message = parameters();
    coordinatorEnd.send(new Broadcast(message));
    coordinatorEnd.send(message);
    await settled();
    expect(atNode.log[0]).toBe(message);
    expect(atNode.log[1]).toBe(message);
  });

  it('says when the handler has returned, after which the sender may change what it sent', async () => {
    const { coordinatorEnd, nodeEnd } = createLocalChannel('here');
    const log: string[] = [];
    coordinatorEnd.open({
      onMessage: () => void log.push('handled'),
      onClose: () => void log.push('closed'),
    });
    nodeEnd.send(result(), () => log.push('taken'));
    expect(log).toEqual([]);
    await settled();
    expect(log).toEqual(['handled', 'taken']);
    nodeEnd.close('done');
    nodeEnd.send(result(), () => log.push('taken, for nobody will'));
    await settled();
    expect(log.slice(2).sort()).toEqual(['closed', 'taken, for nobody will']);
  });

  it.each(['coordinatorEnd', 'nodeEnd'] as const)(
    'closed by its %s, closes both ends exactly once, after what was sent, and carries nothing more',
    async (closing) => {
      const ends = createLocalChannel('here');
      const atCoordinator = recorder();
      const atNode = recorder();
      ends.coordinatorEnd.open(atCoordinator);
      ends.nodeEnd.open(atNode);
      ends.nodeEnd.send(hello());
      ends[closing].close('done');
      ends.coordinatorEnd.close('again');
      ends.nodeEnd.close('and again');
      ends.nodeEnd.send(result());
      ends.coordinatorEnd.send(parameters());
      await settled();
      expect(atCoordinator.log).toEqual([hello(), 'closed: done']);
      expect(atNode.log).toEqual(['closed: done']);
    },
  );

  it('that was closed before it was opened says so when it is opened', async () => {
    const { coordinatorEnd, nodeEnd } = createLocalChannel('here');
    nodeEnd.send(hello());
    nodeEnd.close('changed its mind');
    const atCoordinator = recorder();
    coordinatorEnd.open(atCoordinator);
    await settled();
    expect(atCoordinator.log).toEqual([hello(), 'closed: changed its mind']);
  });

  it('may be closed by the handler of a message', async () => {
    const { coordinatorEnd, nodeEnd } = createLocalChannel('here');
    const received: NodeMessage[] = [];
    const closings: string[] = [];
    coordinatorEnd.open({
      onMessage: (message) => {
        received.push(message);
        coordinatorEnd.close('enough');
      },
      onClose: (reason) => closings.push(reason),
    });
    nodeEnd.send(hello());
    await settled();
    nodeEnd.send(result());
    await settled();
    expect(received).toEqual([hello()]);
    expect(closings).toEqual(['enough']);
  });
});

describe('a broadcast', () => {
  it('is encoded once, however many channels need its bytes', () => {
    const broadcast = new Broadcast(parameters());
    expect(broadcast.encoded()).toBe(broadcast.encoded());
  });
});
