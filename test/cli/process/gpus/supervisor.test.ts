/** Real child processes: small scripts that do what a worker process may do. */

import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { Supervisor } from '../../../../src/cli/process/gpus/supervisor.js';
import { temporaryFolder } from '../../../support/temporaryFolder.js';
import { settled } from '../../../support/waiting.js';

interface Watched {
  readonly supervisor: Supervisor;
  readonly lines: string[];
  readonly notices: string[];
  /** Resolves once a child has printed so many lines. */
  readonly line: (count: number) => Promise<string>;
  /** Resolves with the first notice. */
  readonly noticed: Promise<void>;
}

/** @param source of a CommonJS script; `say` prints, and tells the supervisor that the child works where asked to */
function supervise(source: string, firstDelayMs = 1): Watched {
  const script = path.join(temporaryFolder(), 'child.cjs');
  writeFileSync(script, `const say = (text) => process.stdout.write(text + '\\n');\n${source}`);
  const lines: string[] = [];
  const notices: string[] = [];
  let wake = (): void => undefined;
  let notice = (): void => undefined;
  const noticed = new Promise<void>((resolve) => (notice = resolve));
  const supervisor = new Supervisor([{ name: 'gpu0', args: [script], environment: process.env }], {
    firstDelayMs,
    onLine: (name, line) => {
      lines.push(`${name} ${line}`);
      wake();
    },
    onNotice: (_, message) => {
      notices.push(message);
      notice();
    },
  });
  const line = async (count: number): Promise<string> => {
    while (lines.length < count) await new Promise<void>((resolve) => (wake = resolve));
    return lines[count - 1]!;
  };
  return { supervisor, lines, notices, line, noticed };
}

const pidOf = (line: string): number => Number(line.split(' ').at(-1));

describe('supervised processes', () => {
  it('that end well are done, and not started again', async () => {
    const { supervisor, lines } = supervise("say('once'); process.disconnect();");
    expect(await supervisor.ended).toEqual([{ kind: 'done' }]);
    expect(lines).toEqual(['gpu0 once']);
  });

  it('that are killed are started again, however often, as long as they work in between', async () => {
    const { supervisor, line, notices } = supervise(`
      process.send({ kind: 'connected' }, () => say('pid ' + process.pid));
      process.on('SIGTERM', () => { say('drained'); process.exit(143); });
      setInterval(() => {}, 1000);`);
    for (let life = 1; life <= 7; life++) process.kill(pidOf(await line(life)), 'SIGKILL');
    await line(8);
    const stopped = supervisor.stop();
    expect(await line(9)).toBe('gpu0 drained');
    await stopped;
    expect(await supervisor.ended).toEqual([{ kind: 'done' }]);
    expect(notices).toHaveLength(7);
    expect(notices[0]).toMatch(/SIGKILL.*starting again/);
  });

  it('that never get to work are given up', async () => {
    const { supervisor, lines } = supervise("say('start'); process.exit(7);");
    expect(await supervisor.ended).toMatchObject([
      {
        kind: 'failed',
        code: 'E_ENGINE_FAILED',
        message: expect.stringContaining('exit status 7') as string,
      },
    ]);
    expect(lines).toHaveLength(5);
  });

  it('that say why they cannot work are given up at once, with their own code', async () => {
    const failure = { code: 'E_REFUSED', message: 'the token is wrong' };
    const { supervisor } = supervise(
      `process.send(${JSON.stringify({ kind: 'failed', ...failure })}, () => process.exit(1));`,
    );
    expect(await supervisor.ended).toEqual([{ kind: 'failed', ...failure }]);
  });

  it('that are asked to stop while none runs are not started again', async () => {
    const { supervisor, lines, noticed } = supervise("say('start'); process.exit(1);", 3_600_000);
    await noticed;
    const timers = vi.spyOn(globalThis, 'setTimeout');
    await supervisor.stop();
    expect(timers).not.toHaveBeenCalled(); // nothing is left to be killed
    timers.mockRestore();
    let isOver = false;
    void supervisor.ended.then(() => (isOver = true));
    await settled();
    expect(isOver).toBe(true); // the pause, of 30 s, is not waited for
    expect(await supervisor.ended).toEqual([{ kind: 'done' }]);
    expect(lines).toEqual(['gpu0 start']);
  });
});
