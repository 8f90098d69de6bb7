import type { Command } from 'commander';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { buildProgram } from '../../src/cli/main.js';

/** Options by command, as the issue that asked for the command line names them; scripts rely on them. */
const TRAINING_FLAGS: Readonly<Record<string, string | undefined>> = {
  '--dataset': 'auto',
  '--data-dir': 'data',
  '--train-limit': undefined,
  '--val-size': '5000',
  '--model': 'resnet20',
  '--dropout': '0',
  '--epochs': '200',
  '--max-steps': undefined,
  '--batch-size': '128',
  '--micro-batch': '32',
  '--lr': '0.1',
  '--momentum': '0.9',
  '--nesterov': undefined,
  '--weight-decay': '0.0001',
  '--schedule': 'multistep',
  '--milestones': '100,150',
  '--gamma': '0.1',
  '--warmup-epochs': '0',
  '--patience': '20',
  '--no-augment': undefined,
  '--seed': '1',
  '--workers': undefined,
  '--engine': 'auto',
  '--run-dir': undefined,
  '--resume': undefined,
  '--checkpoint-every': '100',
  '--config': undefined,
  '--recipe': undefined,
  '--width': undefined,
  '--json': undefined,
  '--test': undefined,
};

const FLAGS: Readonly<Record<string, Readonly<Record<string, string | undefined>>>> = {
  train: { ...TRAINING_FLAGS, '--workers': 'the cores' },
  coordinator: {
    ...TRAINING_FLAGS,
    '--workers': '0',
    '--listen': '127.0.0.1:7070',
    '--token': undefined,
    '--token-file': undefined,
    '--join-token': undefined,
    '--join-token-file': undefined,
    '--no-join': undefined,
    '--qr': undefined,
    '--tls-cert': undefined,
    '--tls-key': undefined,
    '--insecure': undefined,
    '--min-workers': '1',
    '--wait-timeout': '300',
    '--heartbeat-timeout': '10',
  },
  check: {
    ...{ '--only': undefined, '--skip': undefined, '--save': undefined, '--test': undefined },
    ...{ '--dataset': 'auto', '--model': 'resnet20', '--workers': 'the cores', '--json': undefined },
  },
  'lr-find': {
    ...{ '--from': '0.0001', '--to': '30', '--steps': '200', '--run-dir': undefined },
    ...{ '--dataset': 'auto', '--model': 'resnet20', '--workers': 'the cores', '--json': undefined },
  },
  launch: {
    ...TRAINING_FLAGS,
    '--workers': "the cores, shared among the job's processes on this host",
    '--rank': undefined,
    '--world-size': undefined,
    '--coordinator': undefined,
    '--stop-signal': undefined,
    '--requeue': undefined,
    '--token-file': undefined,
    '--join-token-file': undefined,
    '--no-join': undefined,
    '--tls-cert': undefined,
    '--min-workers': '1',
    '--retry-for': '600',
  },
  model: { '--dataset': undefined, '--dropout': '0', '--micro-batch': '32', '--json': undefined },
  worker: {
    '--threads': 'the cores',
    '--engine': 'auto',
    '--token': undefined,
    '--token-file': undefined,
    '--ca': undefined,
    '--retry-for': '600',
    '--heartbeat-timeout': '10',
  },
  export: { '--format': 'pytorch', '--output': undefined, '--json': undefined },
  predict: { '--workers': 'the cores', '--engine': 'auto', '--json': undefined, '--csv': undefined },
  relay: {
    '--listen': '127.0.0.1:7071',
    '--tls-cert': undefined,
    '--token-file': undefined,
    '--ca': undefined,
    '--retry-for': '600',
    '--max-nodes': undefined,
  },
  simulate: {
    '--nodes': '16',
    '--bandwidth': '1Gbit',
    '--compute-ms': '70',
    '--wire': 'float32',
    '--steps': '20',
  },
  evaluate: { '--data-dir': undefined, '--workers': 'the cores', '--engine': 'auto', '--json': undefined },
  engines: { '--model': 'resnet8', '--micro-batch': '32', '--seconds': '2', '--json': undefined },
  data: {},
  setup: {},
  ui: { '--listen': '127.0.0.1:7080', '--ui-token': undefined, '--open': undefined },
  runs: { '--sort': 'updated', '--json': undefined },
  show: { '--json': undefined },
  diff: { '--json': undefined },
  report: { '--output': 'report.html', '--force': undefined },
};

function helpOf(command: Command): string {
  return command.helpInformation().replace(/\s+/g, ' ');
}

/** The part of a help text about one flag: up to the next flag. */
function partAbout(flag: string, help: string): string {
  const begin = help.search(new RegExp(` (-\\w, )?${flag}[ ,]`));
  if (begin < 0) return '';
  const next = help.slice(begin + flag.length + 1).search(/ --[a-z]/);
  return next < 0 ? help.slice(begin) : help.slice(begin, begin + flag.length + 1 + next);
}

describe('the help', () => {
  const program = buildProgram();

  it('lists the commands', () => {
    expect(program.commands.map((command) => command.name()).sort()).toEqual(Object.keys(FLAGS).sort());
    for (const command of program.commands) expect(helpOf(program)).toContain(` ${command.name()} `);
  });

  it.each(Object.keys(FLAGS))('of %s names every flag, and the default of each that has one', (name) => {
    const command = program.commands.find((each) => each.name() === name)!;
    const help = helpOf(command);
    for (const [flag, fallback] of Object.entries(FLAGS[name]!)) {
      const part = partAbout(flag, help);
      expect(part, `${name} ${flag}`).not.toBe('');
      if (fallback !== undefined) {
        expect(part, `${name} ${flag}`).toMatch(
          new RegExp(`\\(default: "?${fallback.replaceAll('.', '\\.')}"?\\)`),
        );
      }
    }
    for (const { long, description } of command.options.filter(({ hidden }) => !hidden)) {
      expect(help).toContain(long);
      expect(description.length, `${name} ${long}`).toBeGreaterThan(5);
    }
  });

  it('names the models, schedules and engines', () => {
    const help = helpOf(program.commands.find((each) => each.name() === 'train')!);
    for (const word of [
      'resnet8',
      'resnet20xK',
      'JSON file',
      'notebook',
      'onecycle',
      'cosine',
      'simd',
      'webgpu',
      'tensorflow',
    ]) {
      expect(help).toContain(word);
    }
  });

  it.each([
    ['', 'data'],
    ['/mnt/images', '/mnt/images'],
  ])('has the data folder of LOCKSTEP_DATA_DIR=%s in every command: %s', (variable, dataDir) => {
    vi.stubEnv('LOCKSTEP_DATA_DIR', variable);
    onTestFinished(() => void vi.unstubAllEnvs());
    const [evaluate, data] = ['evaluate', 'data'].map((name) =>
      buildProgram().commands.find((each) => each.name() === name)!,
    );
    for (const command of [evaluate!, ...data!.commands]) {
      expect(command.opts<{ dataDir: string }>().dataDir, command.name()).toBe(dataDir);
    }
  });

  it('shows no secret that the environment holds', () => {
    for (const name of ['LOCKSTEP_TOKEN', 'LOCKSTEP_UI_TOKEN', 'LOCKSTEP_JOIN_TOKEN'])
      vi.stubEnv(name, 'sw0rdfish');
    onTestFinished(() => void vi.unstubAllEnvs());
    const commands = (of: Command): readonly Command[] => [of, ...of.commands.flatMap(commands)];
    const all = commands(buildProgram());
    expect(all.length).toBeGreaterThan(15);
    for (const command of all) expect(helpOf(command), command.name()).not.toContain('sw0rdfish');
  });

  it('describes each part of data', () => {
    const data = program.commands.find((each) => each.name() === 'data')!;
    expect(data.commands.map((command) => command.name())).toEqual(['download', 'verify', 'show', 'stats']);
    for (const command of data.commands) expect(helpOf(command)).toContain('--data-dir');
  });
});
