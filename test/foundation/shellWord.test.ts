import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { shellWord } from '../../src/foundation/shellWord.js';

describe('a word of a command to paste', () => {
  it('is as it was where no shell minds', () => {
    expect(shellWord('runs/2026-11-24T08-00-00-resnet20-seed1')).toBe(
      'runs/2026-11-24T08-00-00-resnet20-seed1',
    );
  });

  it('is never taken for an option', () => {
    expect(shellWord('-runs')).toBe('./-runs');
  });

  it
    .skipIf(process.platform === 'win32')
    .each(['my runs/a', "it's", '$HOME', '`x`', 'a;b', '*', '~', 'a\\b', ''])(
    'reaches the program as it is: %j',
    (word) => {
      const script = `printf %s ${shellWord(word)}`;
      expect(execFileSync('/bin/sh', ['-c', script], { encoding: 'utf8' })).toBe(word);
    },
  );
});
