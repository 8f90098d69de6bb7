import { describe, expect, it } from 'vitest';
import { subprotocolsFor, tokenInSubprotocols } from '../../src/protocol/index.js';

describe('the token among the names of subprotocols', () => {
  it.each(['s3cret', '~!@#$%^&*()_+|}{":?><,./;', 'Zm9v/+==', 'schlüssel', '𝕊', 'x'.repeat(500)])(
    'is as Node encodes it, and comes back: %s',
    (token) => {
      const names = subprotocolsFor(token);
      expect(names).toEqual(['lockstep', `lockstep-token.${Buffer.from(token).toString('base64url')}`]);
      expect(names[1]).toMatch(/^[\w!#$%&'*+.^`|~-]+$/); // a token of RFC 7230
      expect(tokenInSubprotocols(names.join(', '))).toBe(token);
      expect(tokenInSubprotocols([...names].reverse().join(','))).toBe(token);
    },
  );

  it.each([
    undefined,
    '',
    'lockstep',
    'lockstep-token.',
    'lockstep-token.a b',
    'lockstep-token.__8', // bytes that are no UTF-8
    'lockstep-token.a',
  ])('is not there in %s', (offered) => {
    expect(tokenInSubprotocols(offered)).toBeUndefined();
  });

  it('is left out where there is none', () => {
    expect(subprotocolsFor(undefined)).toEqual(['lockstep']);
  });
});
