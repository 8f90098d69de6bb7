import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  clearTextWarning,
  maskedArguments,
  resolveJoinToken,
  resolveToken,
} from '../../../src/cli/token/token.js';
import { doorTokenFor } from '../../../src/session/index.js';
import { thrownBy } from '../../support/errors.js';
import { temporaryFolder } from '../../support/temporaryFolder.js';

beforeEach(() => {
  vi.stubEnv('LOCKSTEP_TOKEN', undefined);
  vi.stubEnv('LOCKSTEP_JOIN_TOKEN', undefined);
});
afterEach(() => {
  vi.unstubAllEnvs();
});

function tokenFile(content: string): string {
  const file = path.join(temporaryFolder(), 'token');
  writeFileSync(file, content);
  return file;
}

describe('the token', () => {
  it('is not there unless it is given', () => {
    expect(resolveToken({})).toBeUndefined();
  });

  it('comes from the option or the file, else from the environment', () => {
    vi.stubEnv('LOCKSTEP_TOKEN', 'from-environment');
    expect(resolveToken({})).toBe('from-environment');
    expect(resolveToken({ token: 'from-option' })).toBe('from-option');
    expect(resolveToken({ tokenFile: tokenFile('from-file\n') })).toBe('from-file');
  });

  it('comes from one place only', () => {
    const error = thrownBy('E_OPTION', () => resolveToken({ token: 'a', tokenFile: tokenFile('a') }));
    expect(error.message).toMatch(/exclude each other/);
  });

  it.each(['', ' ', 'two words', 'line\nbreak', 'ümlaut', '\u0000'])('is refused as %j', (token) => {
    thrownBy('E_OPTION', () => resolveToken({ token }));
    vi.stubEnv('LOCKSTEP_TOKEN', token);
    thrownBy('E_OPTION', () => resolveToken({}));
  });

  it('is refused with the name of the place that it comes from', () => {
    const messageOf = (options: Parameters<typeof resolveToken>[0]): string =>
      thrownBy('E_OPTION', () => resolveToken(options)).message;
    const file = tokenFile('');
    expect(messageOf({ token: 'two words' })).toMatch(/^the token of --token must be one word/);
    expect(messageOf({ tokenFile: file })).toContain(`the token of --token-file ${file} is empty`);
    vi.stubEnv('LOCKSTEP_TOKEN', '');
    expect(messageOf({})).toMatch(/^the token of LOCKSTEP_TOKEN is empty .* or unset LOCKSTEP_TOKEN$/);
  });

  it('is refused from an empty or a missing file, and is never shown', () => {
    thrownBy('E_OPTION', () => resolveToken({ tokenFile: tokenFile('\n') }));
    const missing = path.join(temporaryFolder(), 'none');
    expect(thrownBy('E_OPTION', () => resolveToken({ tokenFile: missing })).message).toContain(missing);
    const error = thrownBy('E_OPTION', () => resolveToken({ token: 'my secret' }));
    expect(error.message).not.toContain('my secret');
  });
});

describe('the secret for workers alone', () => {
  it('comes from its own option, file or variable, and not from those of the token', () => {
    vi.stubEnv('LOCKSTEP_TOKEN', 'of-the-token');
    expect(resolveJoinToken({})).toBeUndefined();
    vi.stubEnv('LOCKSTEP_JOIN_TOKEN', 'from-environment');
    expect(resolveJoinToken({})).toBe('from-environment');
    expect(resolveToken({})).toBe('of-the-token');
    expect(resolveJoinToken({ joinToken: 'from-option' })).toBe('from-option');
    expect(resolveJoinToken({ joinTokenFile: tokenFile('from-file\n') })).toBe('from-file');
  });

  it('is refused as a token is, with the names of its own options', () => {
    const file = tokenFile('a');
    const both = thrownBy('E_OPTION', () => resolveJoinToken({ joinToken: 'a', joinTokenFile: file }));
    expect(both.message).toMatch(/^--join-token and --join-token-file exclude each other/);
    const wrong = thrownBy('E_OPTION', () => resolveJoinToken({ joinToken: 'my secret' }));
    expect(wrong.message).toMatch(/^the token of --join-token must be one word/);
    expect(wrong.message).not.toContain('my secret');
    vi.stubEnv('LOCKSTEP_JOIN_TOKEN', '');
    expect(thrownBy('E_OPTION', () => resolveJoinToken({})).message).toMatch(/or unset LOCKSTEP_JOIN_TOKEN$/);
  });
});

describe('a token that is made', () => {
  const madeToken = (): string => doorTokenFor(undefined, { host: '0.0.0.0', advertise: undefined }).token!;

  it('is one word that is accepted as a token, long, and never the same', () => {
    const tokens = Array.from({ length: 100 }, madeToken);
    expect(new Set(tokens).size).toBe(100);
    for (const token of tokens) {
      expect(token).toMatch(/^[0-9a-f]{48}$/); // 192 bits
      expect(resolveToken({ token })).toBe(token);
    }
  });
});

describe('maskedArguments', () => {
  it('hides the secret in both spellings, and nothing else', () => {
    expect(maskedArguments(['worker', 'ws://x', '--token', 'abc', '--threads', '2'])).toEqual([
      ...['worker', 'ws://x', '--token', '***', '--threads', '2'],
    ]);
    expect(maskedArguments(['worker', '--token=abc', '--token=def'])).toEqual([
      ...['worker', '--token=***', '--token=***'],
    ]);
    expect(maskedArguments(['coordinator', '--join-token', 'abc', '--ui-token=def'])).toEqual([
      ...['coordinator', '--join-token', '***', '--ui-token=***'],
    ]);
  });

  it('has nothing to do where there is no secret', () => {
    expect(maskedArguments(['worker', 'ws://x', '--token-file', 'abc'])).toBeUndefined();
    expect(maskedArguments([])).toBeUndefined();
  });
});

describe('clearTextWarning', () => {
  const warningAt = (url: string): string | undefined => clearTextWarning(new URL(url), 's3cret');

  it('warns where the token travels in the clear, without repeating it', () => {
    const warning = warningAt('ws://trainer.example:7070/lockstep');
    expect(warning).toMatch(/ws:\/\/trainer\.example:7070 is not encrypted/);
    expect(warning).not.toContain('s3cret');
  });

  it('is silent with TLS, on this machine, and without a token', () => {
    for (const url of ['wss://trainer.example:1/', 'ws://127.0.0.1:1/', 'ws://localhost:1/', 'ws://[::1]:1/'])
      expect(warningAt(url)).toBeUndefined();
    expect(clearTextWarning(new URL('ws://trainer.example:1'), undefined)).toBeUndefined();
  });
});
