import { describe, expect, it } from 'vitest';
import { inWordsOfPrograms } from '../../src/library/words.js';
import { COORDINATOR_OPTIONS, flagOf } from '../../src/cli/options/optionTable.js';

describe('messages in the words of a program', () => {
  it.each(COORDINATOR_OPTIONS.map(flagOf))('hold no %s', (flag) => {
    expect(inWordsOfPrograms(`choose another with ${flag}, or wait`)).not.toMatch(/--/);
    expect(inWordsOfPrograms(`use ${flag} 5 or less; see ${flag}`)).not.toMatch(/--/);
  });

  it.each([
    ['use --micro-batch 32 or less', 'use microBatch: 32 or less'],
    ['use --lr 1e-4.', 'use lr: 1e-4.'],
    ['use another --engine', 'use another engine'],
    ['for --engine webgpu, and', 'for engine: webgpu, and'],
    ['--no-augment, which crops nothing', 'augment: false, which crops nothing'],
    ['accept that with --insecure', 'accept that with insecure: true'],
    ['or train without it: --dataset synthetic', 'or train without it: data'],
    ['give one with LOCKSTEP_TOKEN or --token-file', 'give one with token'],
    ['continue it with --resume runs/1, or', 'continue it with resume: runs/1, or'],
    ['an address of this machine with --listen HOST:PORT', 'an address of this machine with host and port'],
    ['give the same with --data-dir', 'give the same with data: await loadCifar10(folder)'],
    ['wait longer with --wait-timeout', 'wait longer with waitTimeoutMs'],
  ])('say "%s" as "%s"', (message, expected) => {
    expect(inWordsOfPrograms(message)).toBe(expected);
  });

  it.each([
    [
      'a command to paste',
      'fetch it with: lockstep data download --data-dir d; then',
      'npx lockstep data download --data-dir d;',
    ],
    ['flags of other programs', 'npm run setup:tensorflow -- --force', 'npm run setup:tensorflow -- --force'],
  ])('keep %s', (_what, message, kept) => {
    expect(inWordsOfPrograms(message)).toContain(kept);
  });
});
