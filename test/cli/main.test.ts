import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { buildProgram, main } from '../../src/cli/main.js';
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

describe('what a file says', () => {
  const evil = '\u001b[2J\u009b1mred\nweights sha256 0\u202e';

  it('steers no terminal, and makes no line of its own', async () => {
    const file = configFile({ [evil]: 3 });
    for (const json of [[], ['--json']]) {
      output = complaints = '';
      await main(['train', '--config', file, ...json]);
      expect(complaints).toMatch(/^lockstep: .*�\[2J�1mred.*\[E_OPTION\]\n$/);
      expect(complaints + output).not.toMatch(/[\u001b\u009b\u202e]/);
      if (json.length > 0) expect((JSON.parse(output) as { message: string }).message).toContain(evil);
    }
  });
});

describe('a refusal', () => {
  it.each([
    ['data', 'verify', '--data-dir'],
    ['data', 'show', '--data-dir'],
  ])('of %s %s recommends no option that the command lacks', async (...args) => {
    const command = buildProgram()
      .commands.find((each) => each.name() === args[0])!
      .commands.find((each) => each.name() === args[1])!;
    await main([...args, temporaryFolder()]);
    expect(complaints).toContain('[E_DATA_MISSING]');
    const recommended = complaints.match(/--[a-z-]+/g) ?? [];
    expect(recommended).not.toEqual([]);
    for (const flag of recommended) expect(command.options.map(({ long }) => long)).toContain(flag);
  });

  it('of images that are not there shows nothing else', async () => {
    await main(['data', 'show', '--dataset', 'synthetic', '--from', '50000']);
    expect(output).toBe('');
    expect(complaints).toMatch(
      /--from 50000 --count 3 goes beyond the 50000 images, of which the last is 49999/,
    );
  });

  it.each([
    [['--epochs', ''], /--epochs "" must be/],
    [['--epochs', ' '], /--epochs " " must be/],
    [['--seed', '1e20'], /--seed 1e20 must be an integer from 0 to 9007199254740991/],
    [['--seed', '-1'], /--seed -1 must be an integer of at least 0/],
  ])('of %j shows the value and the bound that it breaks', async (args, message) => {
    await main(['train', ...args]);
    expect(complaints).toMatch(message);
  });

  it.each([
    [['--from', '1e-320'], /--from 1e-320 must be a number at least 1e-12 and below 1000000/],
    [['--to', '1e300'], /--to 1e300 must be a number at least 1e-12 and below 1000000/],
  ])('of %j keeps a range of rates that can be drawn', async (args, message) => {
    await main(['lr-find', '--dataset', 'synthetic', ...args]);
    expect(complaints).toMatch(message);
  });

  it('of data to train on names the data that need no files', async () => {
    await main(['train', '--dataset', 'cifar10', '--engine', 'simd', '--data-dir', temporaryFolder()]);
    expect(complaints).toMatch(
      /with --data-dir, or train without it: --dataset synthetic \[E_DATA_MISSING\]/,
    );
  });

  it('of a current folder that is not there any more tells to change to another', async () => {
    vi.spyOn(process, 'cwd').mockImplementation(() => {
      throw new Error('ENOENT: no such file or directory, uv_cwd');
    });
    await main(['data', 'show', '--dataset', 'synthetic']);
    expect(complaints).toMatch(/current folder is not there any more.*cd \[E_IO\]/);
    expect(process.exitCode).toBe(1);
  });

  /** A folder with a batch that is too short, and no other. */
  function damagedData(): string {
    const folder = path.join(temporaryFolder(), 'cifar-10-batches-bin');
    mkdirSync(folder);
    writeFileSync(path.join(folder, 'data_batch_1.bin'), 'too short');
    return folder;
  }

  it.each<[string, RegExp, () => string[]]>([
    [
      'of images that are not there',
      /^lockstep: --from 49500 --count 1000 goes beyond the \d+ images.* \[E_OPTION\]/,
      () => [...['data', 'show', '--dataset', 'synthetic', '--from', '49500', '--count', '1000']],
    ],
    [
      'of data that are damaged',
      /is not a complete CIFAR-10.* \[E_DATA_CORRUPT\]/,
      () => [...['data', 'verify', '--data-dir', damagedData()]],
    ],
    [
      'of a test set that is not there',
      /--test needs the test batch.* \[E_DATA_MISSING\]/,
      () => [...['train', '--dataset', 'cifar10', '--test', '--data-dir', temporaryFolder()]],
    ],
  ])('%s names the remedy', async (_what, message, args) => {
    await main(args());
    expect(complaints).toMatch(message);
    expect(process.exitCode).toBe(message.source.includes('E_OPTION') ? 2 : 1);
  });
});
