import { scryptSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { doorTokenFor, isTokenText, refuseSharedSecret } from '../../src/session/index.js';
import { joinLink, joinTokenFor } from '../../src/session/joinToken.js';
import { thrownBy } from '../support/errors.js';

const page = { hasPage: true, token: undefined };

describe('the secret for workers alone', () => {
  it('is made of the token: the same again for a run that is resumed, and not the token', async () => {
    const made = await joinTokenFor('s3cret', page);
    expect(made).toBe(await joinTokenFor('s3cret', page));
    expect(made).toBe(scryptSync('s3cret', 'lockstep join token 1', 24).toString('base64url'));
    expect(made).not.toBe(await joinTokenFor('s3crets', page));
    expect(isTokenText(made!)).toBe(true);
  });

  it('is the one that was given, if one was', async () => {
    expect(await joinTokenFor('s3cret', { hasPage: true, token: 'given' })).toBe('given');
    expect(await joinTokenFor('s3cret', { hasPage: false, token: 'given' })).toBe('given');
  });

  it('is none where no token is asked for, and where nothing would show it', async () => {
    expect(await joinTokenFor(undefined, page)).toBeUndefined();
    expect(await joinTokenFor('s3cret', { hasPage: false, token: undefined })).toBeUndefined();
  });

  it('has a token beside it, also where only this machine can attach', () => {
    const onLoopback = { host: '127.0.0.1', advertise: undefined };
    expect(doorTokenFor(undefined, onLoopback).token).toBeUndefined();
    const { token, source } = doorTokenFor(undefined, { ...onLoopback, joinToken: 'given' });
    expect([token?.length, source]).toEqual([48, 'made']);
    expect(doorTokenFor('own', { ...onLoopback, joinToken: 'given' })).toEqual({
      token: 'own',
      source: 'given',
    });
  });

  it('must be good for nothing else', () => {
    const others = { token: 'all', uiToken: 'look' };
    const refusal = (joinToken: string): string =>
      thrownBy('E_OPTION', () => refuseSharedSecret(joinToken, others)).message;
    expect(refusal('all')).toMatch(/^joinToken and token are the same secret.*give another joinToken/);
    expect(refusal('look')).toMatch(/^joinToken and uiToken are the same secret/);
    expect(refusal('all')).not.toContain(' all');
    refuseSharedSecret('workers', others);
    refuseSharedSecret(undefined, { token: undefined, uiToken: undefined });
  });
});

describe('the link', () => {
  it('has the secret behind #, as one word that no address changes', () => {
    const link = new URL(joinLink('http://h:7070/join', 'a&b=c#d%e+f'));
    expect([link.pathname, link.search]).toEqual(['/join', '']);
    expect(new URLSearchParams(link.hash.slice(1)).get('token')).toBe('a&b=c#d%e+f');
    expect(joinLink('http://h:7070/join', undefined)).toBe('http://h:7070/join');
  });
});
