import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { CommanderError } from 'commander';
import type { Command } from 'commander';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { coordinatorUrl } from '../../src/session/coordinatorUrl.js';
import { errorText } from '../../src/cli/options/inFlags.js';
import { buildProgram } from '../../src/cli/main.js';
import { wholeExample } from '../../src/cli/options/missingArgument.js';
import { rejectionOf } from '../support/errors.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

/** Nothing here gets as far as data, engines or sockets: what is wrong is seen in the options. */
const run = (...args: string[]): Promise<unknown> => buildProgram().parseAsync(args, { from: 'user' });

let complaints = '';
beforeEach(() => {
  complaints = '';
  vi.stubEnv('LOCKSTEP_TOKEN', undefined);
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    complaints += String(text);
    return true;
  });
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});

describe('an option that is not known', () => {
  it('is refused by every command, with what was probably meant', async () => {
    for (const command of ['train', 'coordinator']) {
      await expect(run(command, '--epoch', '3')).rejects.toBeInstanceOf(CommanderError);
      expect(complaints).toContain('(Did you mean --epochs?)');
    }
    await expect(run('worker', 'ws://127.0.0.1:1', '--thread', '3')).rejects.toBeInstanceOf(CommanderError);
    await expect(run('worker', 'ws://127.0.0.1:1', '--workers', '3')).rejects.toBeInstanceOf(CommanderError);
    expect(complaints).toContain('(Did you mean --threads?)');
    await expect(run('trian')).rejects.toBeInstanceOf(CommanderError);
    expect(complaints).toContain('train');
  });
});

describe('an argument that is missing', () => {
  it.each([
    [['worker'], /'url'; for example: .*lockstep.* worker ws:\/\/127\.0\.0\.1:7070$/m],
    [['evaluate'], /'checkpoint'; for example: .*evaluate runs\/first$/m],
    [['show'], /'run'; for example: .*show runs\/first$/m],
    [['diff', 'runs/x'], /'b'; for example: .*diff runs\/first runs\/second$/m],
    [['report'], /'run'; for example: .*report runs\/first$/m],
    [['predict', 'runs/x'], /'image'; for example: .*predict runs\/first cat\.png$/m],
    [['export'], /'checkpoint'; for example: .*export runs\/first --output exported$/m],
    [['model'], /'name\|file'; for example: .*model resnet20$/m],
    [['train', '--lr'], /argument missing; for example --lr 0\.1$/m],
    [['train', '--resume'], /argument missing; for example --resume runs\/first$/m],
  ])('is told with an example: %j', async (args, message) => {
    await expect(run(...args)).rejects.toThrow(message);
    expect(complaints).toMatch(message);
  });

  it('has a whole example in every command', () => {
    const commands = (command: Command): readonly Command[] => [
      command,
      ...command.commands.flatMap(commands),
    ];
    const needing = commands(buildProgram()).filter(({ registeredArguments }) =>
      registeredArguments.some(({ required }) => required),
    );
    expect(needing.length).toBeGreaterThan(8);
    for (const command of needing) {
      const words = wholeExample(command)?.split(` ${command.name()} `)[1]?.split(' ') ?? [];
      const given = words.findIndex((word) => word.startsWith('--'));
      const { length } = given < 0 ? words : words.slice(0, given);
      expect([command.name(), length]).toEqual([command.name(), command.registeredArguments.length]);
    }
  });
});

describe('an empty text, as a shell makes it of a variable that is not set', () => {
  it.each([
    ['evaluate', ''],
    ['train', '--resume', ''],
    ['train', '--config', ''],
    ['coordinator', '--token-file', ''],
  ])('is seen in the refusal: %j', async (...args) => {
    expect((await rejectionOf('E_OPTION', run(...args))).message).toMatch(
      /^(CHECKPOINT|--[a-z-]+) "" must be a non-empty text; for example/,
    );
  });
});

describe('train', () => {
  it('refuses the secret of a page that is not served', async () => {
    const error = await rejectionOf('E_OPTION', run('train', '--dataset', 'synthetic', '--ui-token', 'abc'));
    expect(error.message).toMatch(
      /^--ui-token has no effect without --ui.*; add --ui, or leave --ui-token out$/,
    );
  });
});

describe('coordinator', () => {
  it.each(['7070', 'localhost', 'host:port', '127.0.0.1:65536', '::1:7070', ':7070', '127.0.0.1:'])(
    'refuses to listen on %j, which is not HOST:PORT',
    async (address) => {
      const error = await rejectionOf('E_OPTION', run('coordinator', '--listen', address));
      expect(error.message).toContain('--listen 127.0.0.1:7070');
    },
  );

  it('wants both halves of a certificate, and files that can be read', async () => {
    const file = path.join(temporaryFolder(), 'cert.pem');
    writeFileSync(file, '');
    await rejectionOf('E_OPTION', run('coordinator', '--tls-cert', file));
    await rejectionOf('E_OPTION', run('coordinator', '--tls-key', file));
    const error = await rejectionOf(
      'E_OPTION',
      run('coordinator', '--tls-cert', file, '--tls-key', `${file}.none`),
    );
    expect(error.message).toContain('--tls-key');
  });

  it('refuses --insecure beside a certificate, from flags or a file', async () => {
    const error = await rejectionOf(
      'E_OPTION',
      run('coordinator', '--insecure', '--tls-cert', 'cert.pem', '--tls-key', 'key.pem'),
    );
    expect(errorText(error)).toMatch(/^--insecure contradicts --tls-cert, .*; leave one of them out$/);
    const file = path.join(temporaryFolder(), 'coordinator.json');
    writeFileSync(file, JSON.stringify({ insecure: true, tlsKey: 'key.pem' }));
    const again = await rejectionOf(
      'E_OPTION',
      run('coordinator', '--config', file, '--tls-cert', 'cert.pem'),
    );
    expect(again.message).toBe(error.message);
  });

  it.each([
    ['--min-workers', '0'],
    ['--wait-timeout', '0'],
    ['--wait-timeout', 'soon'],
    ['--heartbeat-timeout', '1.9'],
    ['--heartbeat-timeout', '-1'],
  ])('refuses %s %s', async (flag, value) => {
    expect((await rejectionOf('E_OPTION', run('coordinator', flag, value))).message).toContain(
      `${flag} ${value}`,
    );
  });

  it.each<[string, readonly string[], RegExp]>([
    ['no TLS beyond loopback', ['--listen', '0.0.0.0:0'], /without TLS the token travels in the clear/],
    ['no PEM', ['--tls-cert', 'README.md', '--tls-key', 'README.md'], /certificate and key cannot be used/],
    [
      'an address of another machine',
      ['--listen', '192.0.2.7:0', '--insecure'],
      /cannot listen on 192\.0\.2\.7/,
    ],
  ])('refuses %s before it looks for data', async (_what, args, message) => {
    const noData = ['--dataset', 'cifar10', '--data-dir', temporaryFolder(), '--token', 'secret'];
    const error = await rejectionOf('E_LISTEN', run('coordinator', ...noData, ...args));
    expect(error.message).toMatch(message);
  });

  it.each(['host:0', 'wss://trainer.example', '[trainer]', ''])('refuses --advertise %j', async (text) => {
    expect((await rejectionOf('E_OPTION', run('coordinator', '--advertise', text))).message).toMatch(
      /HOST or HOST:PORT/,
    );
  });

  it('takes its token from one place', async () => {
    await rejectionOf('E_OPTION', run('coordinator', '--token', 'a', '--token-file', 'b'));
  });
});

describe('worker', () => {
  it.each(['ftp://127.0.0.1:7070', 'ws://', 'ws://host:port', 'ws://127.0.0.1:99999'])(
    'refuses %j, which is no coordinator’s URL',
    async (url) => {
      const error = await rejectionOf('E_OPTION', run('worker', url));
      expect(error.message).toContain('ws://127.0.0.1:7070');
    },
  );

  it.each([
    ['trainer', 'ws://trainer:7070/'],
    ['trainer:80', 'ws://trainer/'],
    ['trainer:9000', 'ws://trainer:9000/'],
    ['ws://trainer', 'ws://trainer/'],
    ['wss://trainer:7070', 'wss://trainer:7070/'],
  ])('takes %s for %s', (text, url) => {
    expect(new URL('/', coordinatorUrl(text)).href).toBe(url);
  });

  it.each([
    ['http://trainer:7070', 'use ws://trainer:7070,'],
    ['https://trainer', 'use wss://trainer,'],
  ])('refuses %s, and names the URL to use', async (text, remedy) => {
    expect((await rejectionOf('E_OPTION', run('worker', text))).message).toContain(remedy);
  });

  it('says that a zone has no place in a URL', async () => {
    const error = await rejectionOf('E_OPTION', run('worker', 'ws://[fe80::1%eth0]:7070'));
    expect(error.message).toMatch(/zone.*use the coordinator's name/);
  });

  it('refuses a heartbeat that takes a busy machine for a dead one', async () => {
    const attempt = run('worker', 'ws://127.0.0.1:1', '--heartbeat-timeout', '1');
    expect((await rejectionOf('E_OPTION', attempt)).message).toMatch(
      /--heartbeat-timeout 1 must be.*at least 2/,
    );
  });

  it('refuses a certificate authority that cannot be read', async () => {
    const missing = path.join(temporaryFolder(), 'none.pem');
    const error = await rejectionOf('E_OPTION', run('worker', 'wss://127.0.0.1:1', '--ca', missing));
    expect(error.message).toContain(`--ca ${missing}`);
  });

  it('refuses a certificate authority that is none, which Node would pass over in silence', async () => {
    const file = path.join(temporaryFolder(), 'ca.pem');
    writeFileSync(file, 'not a certificate');
    const error = await rejectionOf('E_OPTION', run('worker', 'wss://127.0.0.1:1', '--ca', file));
    expect(errorText(error)).toMatch(/^--ca .*ca\.pem must be a certificate in PEM/);
  });

  it.each([
    ['--threads', '0'],
    ['--retry-for', '-1'],
    ['--engine', 'gpu'],
  ])('refuses %s %s', async (flag, value) => {
    await rejectionOf('E_OPTION', run('worker', 'ws://127.0.0.1:1', flag, value));
  });
});

describe('evaluate', () => {
  it('says that there is no checkpoint where there is none', async () => {
    const missing = path.join(temporaryFolder(), 'none.safetensors');
    expect((await rejectionOf('E_CHECKPOINT', run('evaluate', missing))).message).toContain(missing);
    await rejectionOf('E_CHECKPOINT', run('evaluate', temporaryFolder()));
  });
});
