/** What a channel of Node and one of a page do alike with what arrives. */

import { describe, expect, it } from 'vitest';
import { decodeNodeMessage, encodeMessage } from '../../src/protocol/index.js';
import type { NodeMessage } from '../../src/protocol/index.js';
import { closeReason, ReceivingEnd } from '../../src/protocol/receivingEnd.js';
import { hello } from '../support/messages.js';

interface Scene {
  readonly end: ReceivingEnd<NodeMessage>;
  /** Messages, the reason of a close frame, and the end, in order. */
  readonly heard: unknown[];
}

function receiving(): Scene {
  const heard: unknown[] = [];
  const end = new ReceivingEnd({
    decode: decodeNodeMessage,
    closeForFault: (reason) => heard.push(['close', reason]),
  });
  end.open({
    onMessage: (message) => heard.push(message),
    onClose: (reason, fault) => heard.push(['end', reason, fault]),
  });
  return { end, heard };
}

const GARBAGE = Uint8Array.of(0xc1);

describe('the receiving end of a channel', () => {
  it('hands on messages up to the first that is invalid, then closes, and tells the end once', () => {
    const { end, heard } = receiving();
    end.receive(encodeMessage(hello()));
    end.receive(GARBAGE);
    end.receive(encodeMessage(hello()));
    end.receive(GARBAGE);
    end.fail('reset by peer');
    end.end('a reason of the peer');
    const why = expect.stringMatching(/not plain msgpack/) as unknown;
    expect(heard).toEqual([hello(), ['close', why], ['end', why, 'bad-frame']]);
    expect(end.hasFailed).toBe(true);
  });

  it('is ended by its owner like by an invalid message, and no second time', () => {
    const { end, heard } = receiving();
    end.breach('items before weights');
    end.breach('another');
    end.receive(encodeMessage(hello()));
    expect(heard).toEqual([
      ['close', 'items before weights'],
      ['end', 'items before weights', 'bad-frame'],
    ]);
  });

  it.each([
    [[], 'done', 'done'],
    [[], '', 'the connection was lost'],
    [['reset by peer', 'another'], 'done', 'reset by peer'],
  ])('after %j, told the reason %j, ends with %j', (failures, reason, expected) => {
    const { end, heard } = receiving();
    for (const failure of failures) end.fail(failure);
    end.end(reason);
    end.end(reason);
    expect(heard).toEqual([['end', expected, undefined]]);
  });
});

describe('the reason in a close frame', () => {
  it.each(['short', 'x'.repeat(500), 'ü'.repeat(100), '…'.repeat(100), '🚂'.repeat(50)])(
    'is a whole beginning of at most 123 bytes: %s',
    (reason) => {
      const sent = closeReason(reason);
      expect(reason.startsWith(sent)).toBe(true);
      expect(Buffer.byteLength(sent)).toBeLessThanOrEqual(123);
      expect(sent === reason || Buffer.byteLength(sent) > 119).toBe(true);
    },
  );
});
