import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { main } from '../../src/cli/main.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

let output = '';
let complaints = '';
beforeEach(() => {
  output = complaints = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    output += String(text);
    return true;
  });
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    complaints += String(text);
    return true;
  });
});
afterEach(() => {
  vi.restoreAllMocks();
  process.exitCode = undefined;
});

function configFile(content: unknown): string {
  const file = path.join(temporaryFolder(), 'config.json');
  writeFileSync(file, JSON.stringify(content));
  return file;
}

describe('an error', () => {
  it('is one line for people, with its code', async () => {
    await main(['train', '--epochs', '0']);
    expect(complaints).toMatch(/^lockstep: --epochs 0 must be .* \[E_OPTION\]\n$/);
    expect(output).toBe('');
    expect(process.exitCode).toBe(2);
  });

  it.each<[string, () => string[]]>([
    ['a flag', () => ['train', '--json', '--epochs', '0']],
    ['a flag, of something the parser refuses', () => ['train', '--json', '--epoch', '0']],
    [
      'a config file',
      () => ['train', '--config', configFile({ json: true }), '--batch-size', '7', '--micro-batch', '2'],
    ],
    [
      'a config file that is itself at fault',
      () => ['train', '--config', configFile({ json: true, epoch: 3 })],
    ],
    [
      'a config file, for `coordinator`',
      () => ['coordinator', '--config', configFile({ json: true, insecure: true }), '--tls-cert', 'x'],
    ],
  ])('is one line for machines, too, if %s asks for JSON', async (_what, args) => {
    await main(args());
    expect(output.trim().split('\n').length).toBe(1);
    expect(JSON.parse(output)).toEqual({
      event: 'error',
      code: 'E_OPTION',
      message: expect.stringMatching(/./) as string,
    });
    expect(process.exitCode).toBe(2);
  });

  it('is not, if nothing asks for it', async () => {
    await main(['train', '--config', configFile({ json: false, epoch: 3 })]);
    expect(output).toBe('');
    expect(complaints).toContain('[E_OPTION]');
  });
});
