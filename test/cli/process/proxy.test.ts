import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { proxyFor } from '../../../src/cli/process/proxy.js';
import { thrownBy } from '../../support/errors.js';

const NAMES = ['https_proxy', 'http_proxy', 'all_proxy', 'no_proxy'];

beforeEach(() => {
  for (const name of [...NAMES, ...NAMES.map((each) => each.toUpperCase())]) vi.stubEnv(name, undefined);
});
afterEach(() => {
  vi.unstubAllEnvs();
});

const proxyOf = (url: string): string | undefined => proxyFor(new URL(url))?.href;
const TARGETS = ['https://www.example/file', 'wss://trainer.example:7070/lockstep'];

describe('the proxy to a server', () => {
  it('is none, unless the environment names one', () => {
    for (const target of TARGETS) expect(proxyOf(target)).toBeUndefined();
    vi.stubEnv('HTTPS_PROXY', '');
    for (const target of TARGETS) expect(proxyOf(target)).toBeUndefined();
  });

  it.each([
    ['HTTPS_PROXY', 'http://proxy.example:3128', 'http://proxy.example:3128/'],
    ['https_proxy', 'proxy.example:3128', 'http://proxy.example:3128/'],
    ['ALL_PROXY', 'https://name:word@proxy.example', 'https://name:word@proxy.example/'],
  ])('is that of %s=%s', (name, value, proxy) => {
    vi.stubEnv(name, value);
    for (const target of TARGETS) expect(proxyOf(target)).toBe(proxy);
  });

  it('is none for hosts of NO_PROXY, for this machine, and for what is not encrypted', () => {
    vi.stubEnv('HTTPS_PROXY', 'http://proxy.example:3128');
    vi.stubEnv('HTTP_PROXY', 'http://proxy.example:3128');
    vi.stubEnv('NO_PROXY', 'other.example,.example');
    for (const target of TARGETS) expect(proxyOf(target)).toBeUndefined();
    vi.stubEnv('NO_PROXY', 'other.example');
    for (const target of TARGETS) expect(proxyOf(target)).toBeDefined();
    for (const target of ['wss://127.0.0.1:1', 'wss://localhost:1', 'wss://[::1]:1', 'ws://trainer.example'])
      expect(proxyOf(target)).toBeUndefined();
  });

  it.each(['socks5://proxy.example', 'http://', 'two words'])('is refused as %j', (value) => {
    vi.stubEnv('HTTPS_PROXY', value);
    expect(thrownBy('E_OPTION', () => proxyOf(TARGETS[0]!)).message).toContain('HTTPS_PROXY');
  });
});
