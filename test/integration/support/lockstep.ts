/** Starts the real command line as real processes, and reads what they leave behind. */

import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const REPOSITORY = fileURLToPath(new URL('../../..', import.meta.url));
const BIN = path.join(REPOSITORY, 'bin', 'lockstep');

export interface Finished {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Running {
  readonly child: ChildProcess;
  readonly finished: Promise<Finished>;
  /** Everything printed so far. */
  output(): string;
  kill(signal: NodeJS.Signals): void;
}

const started = new Set<ChildProcess>();

export interface StartOptions {
  /** Make the process the leader of a group of its own, so that what it leaves behind can be found. */
  readonly ownGroup?: boolean;
}

export function start(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  options: StartOptions = {},
): Running {
  return startProgram(process.execPath, [BIN, ...onExactEngine(args)], env, options);
}

export function startProgram(
  program: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  { ownGroup = false }: StartOptions = {},
): Running {
  const child = spawn(program, args, {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: ownGroup,
  });
  started.add(child);
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (data: Buffer) => (stdout += data.toString()));
  child.stderr.on('data', (data: Buffer) => (stderr += data.toString()));
  const finished = new Promise<Finished>((resolve) => {
    child.on('close', (exitCode, signal) => {
      started.delete(child);
      resolve({ exitCode, signal, stdout, stderr });
    });
  });
  return { child, finished, output: () => stdout + stderr, kill: (signal) => child.kill(signal) };
}

/** Commands compute with `simd` unless a test says otherwise: on a machine with a GPU, `auto` would take that. */
function onExactEngine(args: readonly string[]): readonly string[] {
  const computes = ['train', 'check', 'lr-find', 'coordinator', 'worker', 'evaluate'].includes(args[0] ?? '');
  const decides = ['--engine', '--numerics', '--device', '--resume', '--config', '--help'];
  return computes && !args.some((arg) => decides.includes(arg)) ? [...args, '--engine', 'simd'] : args;
}

export function run(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Finished> {
  return start(args, env).finished;
}

/** For afterEach: a failed test must not leave processes behind. */
export function killAll(): void {
  for (const child of started) child.kill('SIGKILL');
}

export function temporaryFolder(): string {
  return mkdtempSync(path.join(tmpdir(), 'lockstep-test-'));
}

export interface Result {
  readonly weightsSha256: string;
  readonly lastWeightsSha256: string;
  readonly stepsCompleted: number;
  readonly epochsCompleted: number;
  readonly bestEpoch: number | null;
  readonly bestValidationAccuracy: number | null;
  readonly exact: boolean;
  readonly numericsClasses: readonly string[];
  readonly engine: string;
  readonly dataset: string;
  readonly stoppedBy: string;
  readonly testAccuracy: number | null;
}

export function readResult(runDir: string): Result {
  return JSON.parse(readFileSync(path.join(runDir, 'result.json'), 'utf8')) as Result;
}

export interface MetricsLine {
  readonly event: string;
  readonly step?: number;
  readonly epoch?: number;
  readonly loss?: number;
  readonly weightsSha256?: string;
  readonly node?: string;
  readonly reason?: string;
  readonly workersNow?: number;
  readonly joined?: number;
  readonly left?: number;
  readonly validationAccuracy?: number | null;
}

/** The complete lines of metrics.jsonl; a process killed while writing may leave half a one. */
export function readMetrics(runDir: string): MetricsLine[] {
  const file = path.join(runDir, 'metrics.jsonl');
  if (!existsSync(file)) return [];
  return readFileSync(file, 'utf8')
    .split('\n')
    .flatMap((line) => {
      try {
        return line ? [JSON.parse(line) as MetricsLine] : [];
      } catch {
        return [];
      }
    });
}

/** The digest of the weights after each epoch. */
export function epochDigests(runDir: string): Map<number, string> {
  const epochs = readMetrics(runDir).filter(({ event }) => event === 'epoch');
  return new Map(epochs.map(({ epoch, weightsSha256 }) => [epoch!, weightsSha256!]));
}

/** The limit only ends a test that would never end. */
export async function until(what: string, condition: () => boolean, timeoutMs = 500_000): Promise<void> {
  const deadlineMs = performance.now() + timeoutMs;
  while (!condition()) {
    if (performance.now() > deadlineMs) throw new Error(`timed out waiting until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

export function untilStep(runDir: string, step: number): Promise<void> {
  return until(`step ${step} is done in ${runDir}`, () =>
    readMetrics(runDir).some((line) => line.event === 'step' && line.step === step),
  );
}

/** Resolves when a coordinator lets nodes in: one that is up earlier says that it is not connected, and tries again. */
export function untilListening(coordinator: Running): Promise<void> {
  return until('the coordinator listens', () => coordinator.output().includes('listening'));
}

/** A port that was free a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}

/** Real CIFAR-10, where it lies; undefined elsewhere, and then tests that need it skip. */
export function cifar10Folder(): string | undefined {
  const folder = process.env['LOCKSTEP_CIFAR10_DIR'] ?? path.join(REPOSITORY, '..', 'shared', 'cifar10');
  return existsSync(folder) ? folder : undefined;
}
