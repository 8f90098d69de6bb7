import { beforeAll, describe, expect, it } from 'vitest';
import { programName } from '../../src/cli/process/programName.js';
import { nameProgram } from '../../src/foundation/commandLine.js';
import { workerCommand } from '../../src/session/workerCommand.js';

beforeAll(() => nameProgram(programName()));

describe('the command that attaches a worker', () => {
  it('has what that worker needs, and nothing else', () => {
    const url = 'wss://trainer.example:7070';
    expect(workerCommand({ url })).toBe(`${programName()} worker ${url}`);
    expect(workerCommand({ url, token: '…', ca: 'cert.pem' })).toBe(
      `LOCKSTEP_TOKEN=… ${programName()} worker ${url} --ca cert.pem`,
    );
    expect(workerCommand({ url, token: "pa$$w;r'm" })).toMatch(
      /^LOCKSTEP_TOKEN=('pa\$\$w;r'\\''m'|"pa\$\$w;r'm") /,
    );
    expect(workerCommand({ url, tokenFile: 'my token' })).toMatch(/ --token-file ['"]my token['"]$/);
  });
});
