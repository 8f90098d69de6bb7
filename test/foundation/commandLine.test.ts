import { spawnSync } from 'node:child_process';
import { describe, expect, it, onTestFinished } from 'vitest';
import { commandLine, nameProgram } from '../../src/foundation/commandLine.js';

describe('a command in a message', () => {
  it('names the program as it was called', () => {
    expect(commandLine('train', '--help')).toBe('lockstep train --help');
    nameProgram('bin/lockstep');
    onTestFinished(() => nameProgram('lockstep'));
    expect(commandLine('data', 'download', '--data-dir', '/mnt/a')).toBe(
      'bin/lockstep data download --data-dir /mnt/a',
    );
  });

  it('never takes a value for an option, whatever it is called', () => {
    expect(commandLine('train', '--data-dir', '--x', '--resume', '--y')).toBe(
      'lockstep train --data-dir ./--x --resume ./--y',
    );
    expect(commandLine('setup', '--gpu', '--force')).toBe('lockstep setup --gpu --force');
  });

  it.skipIf(process.platform === 'win32').each(['two words', "it's", '$HOME', '', '*', 'a;b', '--x'])(
    'survives a shell: %j',
    (word) => {
      nameProgram('printf %s');
      onTestFinished(() => nameProgram('lockstep'));
      expect(spawnSync('sh', ['-c', commandLine(word)], { encoding: 'utf8' }).stdout).toBe(word);
    },
  );
});
