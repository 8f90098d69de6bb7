import { describe, expect, it } from 'vitest';
import { OPTIONS_BY_KEY } from '../../src/cli/options/optionTable.js';
import { advice, leaveOut, OptionError, use } from '../../src/foundation/options/optionError.js';
import { libraryError } from '../../src/library/errors.js';
import { inProgram } from '../../src/library/words.js';

describe('errors in the words of a program', () => {
  const said = (...given: ConstructorParameters<typeof OptionError>): string =>
    libraryError(new OptionError(...given)).message;

  it('name options as properties', () => {
    const problem = [{ option: 'microBatch', value: 33 }, ' is wrong'];
    expect(said(problem, [use('microBatch', 25, 50), use('batchSize', 64), leaveOut('microBatch')])).toBe(
      'microBatch 33 is wrong; use microBatch: 25 or 50, or batchSize: 64, or leave microBatch out',
    );
    expect(
      said(['it is in the clear'], [advice('accept that with ', { option: 'insecure', value: true })]),
    ).toBe('it is in the clear; accept that with insecure: true');
  });

  it.each([
    ['dataset', 'data'],
    ['listen', 'host and port'],
    ['waitTimeout', 'waitTimeoutMs'],
    ['tlsCert', 'tls.cert'],
    ['dataDir', 'data: await loadCifar10(folder)'],
  ])('call %s what the library calls it', (option, expected) => {
    expect(inProgram(['see ', { option }])).toBe(`see ${expected}`);
    expect(inProgram(['see ', { option, value: 1 }])).toBe(`see ${expected}`);
  });

  it.each([...OPTIONS_BY_KEY.keys()])('hold no flag for %s', (option) => {
    expect(said([{ option }, { option, value: 1 }], [use(option, 1), leaveOut(option)])).not.toMatch(/--/);
  });

  it('quote other errors in the same words, and keep their code', () => {
    const inner = new OptionError(['no'], [advice('give ', { option: 'retryFor' })], 'E_IO');
    const outer = new OptionError([inner], [], inner.code, { cause: inner });
    expect(libraryError(outer)).toMatchObject({ code: 'E_IO', message: 'no; give retryForMs' });
  });
});
