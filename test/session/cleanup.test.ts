import { describe, expect, it } from 'vitest';
import { withCleanup } from '../../src/session/cleanup.js';

describe('cleaning up', () => {
  it('closes the last first, and gives what the body gave', async () => {
    const order: string[] = [];
    const outcome = await withCleanup((closers) => {
      closers.push(async () => {
        await Promise.resolve();
        order.push('first');
      });
      closers.push(() => order.push('second'));
      return Promise.resolve(7);
    });
    expect(outcome).toBe(7);
    expect(order).toEqual(['second', 'first']);
  });

  it('closes everything, whatever fails, and tells the cause rather than its consequences', async () => {
    const order: string[] = [];
    const failing = (name: string) => (): void => {
      order.push(name);
      throw new Error(`${name} could not be closed`);
    };
    const close = (error?: Error): Promise<void> =>
      withCleanup(async (closers) => {
        closers.push(failing('first'), () => order.push('second'), failing('third'));
        await Promise.resolve();
        if (error) throw error;
      });
    await expect(close(new Error('the disk is full'))).rejects.toThrow('the disk is full');
    expect(order).toEqual(['third', 'second', 'first']);
    await expect(close()).rejects.toThrow('third could not be closed');
    expect(order).toHaveLength(6);
  });
});
