import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { buildProgram } from '../../src/cli/main.js';
import { inFlags } from '../../src/cli/options/inFlags.js';
import { readNetwork } from '../../src/cli/options/trainingOptions.js';
import { formatOf } from '../../src/data/index.js';
import { buildModel } from '../../src/model/index.js';
import { requestNetwork } from '../../src/session/index.js';
import { rejectionOf, thrownBy } from '../support/errors.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

afterEach(() => vi.restoreAllMocks());

async function printedBy(...args: string[]): Promise<string> {
  let printed = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    printed += String(text);
    return true;
  });
  await buildProgram().parseAsync(['model', ...args], { from: 'user' });
  vi.restoreAllMocks();
  return printed;
}

function fileOf(content: string): string {
  const file = path.join(temporaryFolder(), 'own.json');
  writeFileSync(file, content);
  return file;
}

describe('lockstep model', () => {
  it('prints layers, shapes and totals', async () => {
    const text = await printedBy('resnet20', '--micro-batch', '16');
    expect(text).toMatch(/^resnet20: images of 32x32x3, 10 classes\n/);
    expect(text).toMatch(
      /\nstack3\.block1\.add +add +stack3\.block1\.norm2 \+ stack3\.block1\.shortcut +8x8x64 +0 +0\n/,
    );
    expect(text).toMatch(/\nparameters +269,722, and 1,376 running statistics\n/);
    expect(text).toMatch(/\nmultiplications +40,551,040 an image/);
    expect(text).toMatch(/for a micro-batch of 16: parameters 1\.08 MB, gradient 1\.08 MB/);
  });

  it('prints a file that it reads again, with the classes of a data set if asked', async () => {
    const file = fileOf(await printedBy('resnet8x2', '--json', '--dropout', '0.2'));
    const { description } = requestNetwork(readNetwork(file), 0).model;
    expect({ ...description, name: 'resnet8x2' }).toEqual(buildModel('resnet8x2', 0.2).description);
    expect(await printedBy(file)).toMatch(/^own: images of 32x32x3, 10 classes\n/);
    expect(await printedBy('resnet8', '--json', '--dataset', 'cifar10')).toContain(
      '"classNames": ["airplane"',
    );
  });

  it('takes a width, as train does, and refuses it for what has none', async () => {
    expect(await printedBy('resnet8', '--width', '2')).toBe(await printedBy('resnet8x2'));
    expect(await printedBy('resnet8', '--width', '1')).toBe(await printedBy('resnet8'));
    const refused = await rejectionOf('E_OPTION', printedBy('notebook', '--width', '2'));
    expect(refused.message).toMatch(/--width 2 is for networks such as resnet20, and not for notebook/);
  });

  it.each([
    ['rsnet20', /model rsnet20 must be one of .*\(did you mean resnet20\?\)/],
    ['resnet21', /model resnet21 must be of a depth of 6n \+ 2.*resnet20 or resnet26/],
    ['gone.json', /--model gone\.json must be a readable file/],
  ])('refuses %s', async (given, message) => {
    expect((await rejectionOf('E_OPTION', printedBy(given))).message).toMatch(message);
  });

  it('refuses a file that is not JSON, and one that does not fit the data set', async () => {
    expect((await rejectionOf('E_MODEL', printedBy(fileOf('{"layers"')))).message).toMatch(/must be JSON/);
    const file = fileOf((await printedBy('resnet8', '--json')).replace('"height":32', '"height":30'));
    const error = await rejectionOf('E_MODEL', printedBy(file, '--dataset', 'cifar10'));
    expect(error.message).toMatch(/takes images of 30x32x3 .*cifar10 are 32x32x3/);
  });
});

describe('what --model asks for', () => {
  it('is a preset for the images and classes of the data, or a file that takes their names', async () => {
    const data = formatOf('synthetic');
    expect(requestNetwork(readNetwork('resnet8'), 0).forData('synthetic', data).classNames).toEqual(
      data.classNames,
    );
    const file = fileOf(await printedBy('resnet8', '--json'));
    expect(requestNetwork(readNetwork(file), 0).forData('synthetic', data)).toMatchObject({
      name: 'own',
      classNames: data.classNames,
    });
  });

  it('has no dropout rate beside a file', async () => {
    const file = fileOf(await printedBy('resnet8', '--json'));
    const error = thrownBy('E_OPTION', () => requestNetwork(readNetwork(file), 0.2));
    expect((inFlags(error) as Error).message).toMatch(
      /--dropout 0\.2 is for named networks.*leave --dropout out/,
    );
  });
});
