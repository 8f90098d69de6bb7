/** Runs one program to its end; if it fails, the error has the end of its standard error. */

import { execFile } from 'node:child_process';

const LIMIT_MS = 900_000;
const SHOWN_CHARACTERS = 1500;

export interface Finished {
  readonly stdout: string;
}

/** @throws Error with the end of its standard error if it fails, or takes longer than a quarter of an hour */
export function run(
  program: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<Finished> {
  return new Promise((resolve, reject) => {
    const options = {
      env: { ...process.env, ...environment },
      maxBuffer: 2 ** 26,
      timeout: LIMIT_MS,
    };
    execFile(program, args, options, (error, stdout, stderr) => {
      if (error === null) return resolve({ stdout });
      const end = stderr.trim().slice(-SHOWN_CHARACTERS);
      reject(new Error(`${program} ${args.join(' ')} failed: ${end === '' ? error.message : end}`));
    });
  });
}
