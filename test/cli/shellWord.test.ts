import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { shellWord } from '../../src/cli/shellWord.js';

describe('a word of a command to paste', () => {
  it('stays as it is where no shell would change it', () => {
    for (const word of ['runs/2026-11-24T08-00-00-resnet8-seed1', 'wss://trainer.example:7070', 'a=b,c@d'])
      expect(shellWord(word)).toBe(word);
  });

  it
    .skipIf(process.platform === 'win32')
    .each(['', 'two words', "it's", '$HOME', 'wss://[::1]:7070', '~/x', '*', 'a\nb', '"; exit 1'])(
    'comes out of a shell as it went in: %j',
    (word) => {
      const { stdout } = spawnSync('sh', ['-c', `printf %s ${shellWord(word)}`], { encoding: 'utf8' });
      expect(stdout).toBe(word);
    },
  );
});
