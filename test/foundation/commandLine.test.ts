import { spawnSync } from 'node:child_process';
import { describe, expect, it, onTestFinished } from 'vitest';
import { commandLine, nameProgram } from '../../src/foundation/commandLine.js';

describe('a command in a message', () => {
  it('names the program as it was called', () => {
    expect(commandLine('train', { help: true })).toBe('npx lockstep train --help'); // nobody has named it yet
    nameProgram('bin/lockstep');
    onTestFinished(() => nameProgram('npx lockstep'));
    expect(commandLine('data', 'download', { dataDir: '/mnt/a' })).toBe(
      'bin/lockstep data download --data-dir /mnt/a',
    );
  });

  it('never takes a value for an option, whatever it is called', () => {
    expect(commandLine('train', { dataDir: '--x', resume: '--y' })).toBe(
      'npx lockstep train --data-dir ./--x --resume ./--y',
    );
  });

  it('writes switches, lists and numbers as the command line takes them', () => {
    expect(commandLine('train', { nesterov: true, augment: false, milestones: [3, 5], lr: 0.1 })).toBe(
      'npx lockstep train --nesterov --no-augment --milestones 3,5 --lr 0.1',
    );
  });

  it.skipIf(process.platform === 'win32').each(['two words', "it's", '$HOME', '', '*', 'a;b'])(
    'survives a shell: %j',
    (word) => {
      nameProgram('printf %s');
      onTestFinished(() => nameProgram('npx lockstep'));
      expect(spawnSync('sh', ['-c', commandLine(word)], { encoding: 'utf8' }).stdout).toBe(word);
    },
  );
});
