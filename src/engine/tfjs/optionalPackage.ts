/**
 * Packages that Lockstep can use but does not depend on. They contain native code, so they are tried in a separate process
 * before this one loads them: a driver that crashes then costs only an answer, not a run.
 */

import { execFile } from 'node:child_process';
import type { ExecFileException } from 'node:child_process';

/** The URL of a package's entry point, if it is installed where Node finds Lockstep's packages. */
export function locatePackage(name: string): string | undefined {
  try {
    return import.meta.resolve(name);
  } catch {
    return undefined;
  }
}

export type ProbeResult<Report> =
  /** Includes what native code has printed. */
  | { readonly succeeded: true; readonly report: Report; readonly stderr: string }
  | { readonly succeeded: false; readonly reason: string };

const MARKER = 'lockstep-probe:';
const PROBE_TIMEOUT_MS = 20_000;
const LONGEST_REASON = 300;

export interface ProbeOptions {
  readonly timeoutMs?: number;
  /** Default: this process's own. */
  readonly environment?: NodeJS.ProcessEnv;
  /** Ends the process. */
  readonly signal?: AbortSignal;
}

/**
 * Runs `expression`, the source of a JavaScript expression, in a new process and returns its value, which must be
 * JSON. `await` and the function `load(url)`, which imports a module and returns CommonJS exports as they are, can be
 * used in it.
 */
export function probe<Report>(
  expression: string,
  { timeoutMs = PROBE_TIMEOUT_MS, environment, signal }: ProbeOptions = {},
): Promise<ProbeResult<Report>> {
  const source = `
    const load = async (url) => { const found = await import(url); return found.default ?? found; };
    const report = JSON.stringify(${expression});
    process.stdout.write(${JSON.stringify(MARKER)} + report + '\\n', () => process.exit(0));`;
  const options = { timeout: timeoutMs, env: environment, signal, encoding: 'utf8' } as const;
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      ['--input-type=module', '--eval', source],
      options,
      (error, stdout, stderr) => {
        const line = stdout.split('\n').find((candidate) => candidate.startsWith(MARKER));
        if (line !== undefined) {
          resolve({ succeeded: true, report: JSON.parse(line.slice(MARKER.length)) as Report, stderr });
          return;
        }
        resolve({ succeeded: false, reason: failureReason(error, stderr, timeoutMs) });
      },
    );
  });
}

/** How the process ended, or the line of its error message that says most. */
function failureReason(error: ExecFileException | null, stderr: string, timeoutMs: number): string {
  if (error?.killed) return `no answer within ${timeoutMs / 1000} s`;
  if (error?.signal) return `the process died of ${error.signal}`;
  const lines = stderr.split('\n').map((line) => line.trim());
  const telling = lines.find((line) => /^\w*Error\b.*:/.test(line)) ?? lines.find((line) => line !== '');
  return telling?.slice(0, LONGEST_REASON) ?? `the process ended with code ${error?.code ?? 0}`;
}

/** Imports a located package; for CommonJS packages returns their exports. */
export async function importPackage<Exports>(url: string): Promise<Exports> {
  const found = (await import(url)) as { readonly default?: Exports };
  return found.default ?? (found as Exports);
}
