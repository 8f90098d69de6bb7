import path from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { announceToken } from '../../../src/cli/token/tokenNotice.js';
import { thrownBy } from '../../support/errors.js';
import { temporaryFolder } from '../../support/temporaryFolder.js';

describe('a token for which there is no terminal and no place', () => {
  it.skipIf(process.platform === 'win32')('names the ways that this command has', () => {
    vi.stubEnv('TMPDIR', path.join(temporaryFolder(), 'none'));
    onTestFinished(() => void vi.unstubAllEnvs());
    const notice = {
      token: 'secret',
      url: 'ws://127.0.0.1:1',
      ca: undefined,
      page: undefined,
      replacesAnother: false,
      json: true,
      say: () => undefined,
    };
    const { message } = thrownBy('E_IO', () => announceToken(notice));
    expect(message).toMatch(/TMPDIR, or give a token with LOCKSTEP_TOKEN/);
    expect(message).not.toMatch(/--run-dir|secret/);
  });
});
