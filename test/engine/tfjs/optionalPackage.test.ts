import { describe, expect, it } from 'vitest';
import { importPackage, locatePackage, probe } from '../../../src/engine/tfjs/optionalPackage.js';

describe('optional packages', () => {
  it('are located only where they are installed, and CommonJS exports come as they are', async () => {
    expect(locatePackage('no-such-package-of-lockstep')).toBeUndefined();
    const url = locatePackage('@tensorflow/tfjs-core');
    expect(url).toMatch(/^file:.*tfjs-core/);
    expect(await importPackage<{ version_core: string }>(url!)).toMatchObject({ version_core: '4.22.0' });
  });

  it('are probed in a process of their own, whose value comes back', async () => {
    const result = await probe<{ pid: number }>('{ pid: process.pid }');
    expect(result).toMatchObject({ succeeded: true });
    if (result.succeeded) expect(result.report.pid).not.toBe(process.pid);
  });

  it('cost a reason, not this process, when they throw, crash or end it', async () => {
    const thrown = await probe("(() => { throw new TypeError('no such driver') })()");
    expect(thrown).toEqual({ succeeded: false, reason: 'TypeError: no such driver' });
    const crashed = await probe('process.kill(process.pid, "SIGSEGV") && await new Promise(setTimeout)');
    expect(crashed).toEqual({ succeeded: false, reason: 'the process died of SIGSEGV' });
    expect(await probe('process.exit(3)')).toEqual({
      succeeded: false,
      reason: 'the process ended with code 3',
    });
  });
});
