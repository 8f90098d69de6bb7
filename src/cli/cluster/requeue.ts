/** Asks Slurm to put this job back into its queue, once it has saved. */

import { spawn } from 'node:child_process';

const LIMIT_MS = 5_000;

/**
 * Never throws: the run has been saved, whatever becomes of the request.
 * @param job as Slurm calls it: `4711`, or `4700_11` for a task of an array
 * @returns what to tell the user
 */
export async function requeueJob(job: string, program = 'scontrol'): Promise<string> {
  const remedy = `put it back with: scontrol requeue ${job}`;
  return new Promise((resolve) => {
    const child = spawn(program, ['requeue', job], {
      stdio: ['ignore', 'ignore', 'pipe'],
      timeout: LIMIT_MS,
    });
    let complaint = '';
    child.stderr.on('data', (data: Buffer) => (complaint = (complaint + data.toString()).slice(0, 500)));
    child.on('error', (error) => resolve(`job ${job} is not requeued: ${error.message}; ${remedy}`));
    child.on('close', (code, signal) => {
      if (code === 0) return resolve(`job ${job} is requeued`);
      const why = complaint.trim() || `scontrol ended with ${signal ?? `status ${code}`}`;
      resolve(`job ${job} is not requeued: ${why}; ${remedy}`);
    });
  });
}
