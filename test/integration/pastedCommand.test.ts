/** The command that a coordinator prints attaches a worker as it stands: with TLS, a token file and a folder with a space. */

import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { selfSignedCertificate } from '../support/certificate.js';
import { killAll, run, start, startProgram, temporaryFolder, untilListening } from './support/lockstep.js';

const TINY = [
  ...['--dataset', 'synthetic', '--model', 'resnet8', '--train-limit', '96', '--val-size', '0'],
  ...['--batch-size', '32', '--micro-batch', '16', '--epochs', '1', '--schedule', 'constant'],
];
const certificate = selfSignedCertificate();

afterEach(killAll);

describe('what train tells to do next', () => {
  it('works when it is pasted', async () => {
    const runDir = path.join(temporaryFolder(), 'run');
    const { stdout } = await run(['train', ...TINY, '--run-dir', runDir]);
    const pasted = /test it with: \S+ (.*)/.exec(stdout)![1]!;
    const tested = await run(pasted.split(' '));
    expect(tested).toMatchObject({
      exitCode: 0,
      stdout: expect.stringMatching(/test set.*accuracy/) as string,
    });
  });
});

describe.skipIf(certificate === undefined || process.platform === 'win32')('the printed command', () => {
  it('works when it is pasted', async () => {
    const folder = path.join(temporaryFolder(), 'two words');
    mkdirSync(folder);
    const [cert, key, token] = ['cert.pem', 'key.pem', 'token'].map((name) => path.join(folder, name));
    writeFileSync(cert!, certificate!.cert);
    writeFileSync(key!, certificate!.key);
    writeFileSync(token!, 'secret\n');
    const protection = ['--tls-cert', cert!, '--tls-key', key!, '--token-file', token!];
    const listen = ['--listen', '0.0.0.0:0', ...protection, '--run-dir', path.join(folder, 'run')];
    const coordinator = start(['coordinator', ...TINY, ...listen]);
    await untilListening(coordinator);
    const pasted = /attach workers with: \S+ (.*)/.exec(coordinator.output())![1]!;
    const worker = startProgram('sh', ['-c', `"$0" bin/lockstep ${pasted} --threads 1`, process.execPath]);
    expect(await worker.finished).toMatchObject({ exitCode: 0, stderr: '' });
    expect((await coordinator.finished).exitCode).toBe(0);
  });
});
