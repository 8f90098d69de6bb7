/** One real `lockstep coordinator` process that trains ResNet-20 on attached nodes, observed by its JSON lines. */

import { spawn } from 'node:child_process';
import type { ChildProcessByStdio } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { inRepository } from '../repository.js';

export interface CoordinatorOptions {
  readonly model: string;
  readonly minWorkers: number;
  readonly batchSize: number;
  readonly microBatch: number;
  readonly steps: number;
  /** Images drawn before the first step; they count as the coordinator's memory. */
  readonly images: number;
  /** Folder for a processor profile of the coordinator. */
  readonly profileFolder: string | undefined;
  /** Where it runs, if not here. */
  readonly host?: CoordinatorHost | undefined;
}

export interface CoordinatorHost {
  /** A command that runs another. */
  readonly prefix: readonly string[];
  /** HOST:PORT to listen on, for nodes with this token. */
  readonly listen: string;
  readonly token: string;
}

export interface StepLine {
  readonly event: string;
  readonly time: string;
  readonly step: number;
  readonly stepMs: number;
  readonly coordinationMs: number;
}

export class CoordinatorProcess {
  private readonly child: ChildProcessByStdio<null, Readable, Readable>;
  private readonly folder = mkdtempSync(path.join(tmpdir(), 'lockstep-load-'));
  private readonly steps: StepLine[] = [];
  private readonly watchers = new Set<() => void>();
  private listeningAt: string | undefined;
  private errorText = '';
  private ended = false;

  constructor(options: CoordinatorOptions) {
    const profiling =
      options.profileFolder === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${options.profileFolder}`];
    const { prefix, token } = options.host ?? { prefix: [], token: undefined };
    const lockstep = [process.execPath, ...profiling, inRepository('bin', 'lockstep')];
    const [program, ...args] = [...prefix, ...lockstep, 'coordinator', ...flagsOf(options, this.folder)];
    this.child = spawn(program!, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...(token === undefined ? {} : { LOCKSTEP_TOKEN: token }) },
    });
    createInterface({ input: this.child.stdout }).on('line', (line) => this.read(line));
    this.child.stderr.on('data', (data: Buffer) => (this.errorText += data.toString()));
    this.child.on('close', () => {
      this.ended = true;
      this.notify();
    });
  }

  get pid(): number {
    return this.child.pid!;
  }

  url(): Promise<string> {
    return this.waitFor('it listens', () => this.listeningAt);
  }

  /** The time when the step ended. */
  step(step: number): Promise<StepLine> {
    return this.waitFor(`step ${step} is done`, () => this.steps.find((line) => line.step === step));
  }

  finished(): Promise<true> {
    return this.waitFor('it ends', () => this.ended || undefined);
  }

  end(): void {
    this.child.kill('SIGKILL');
    rmSync(this.folder, { recursive: true, force: true });
  }

  private read(line: string): void {
    const event = JSON.parse(line) as StepLine & { readonly url?: string };
    if (event.event === 'listening') this.listeningAt = event.url;
    if (event.event === 'step') this.steps.push(event);
    this.notify();
  }

  private notify(): void {
    for (const watcher of [...this.watchers]) watcher();
  }

  private waitFor<Value>(what: string, look: () => Value | undefined): Promise<Value> {
    return new Promise((resolve, reject) => {
      const watcher = (): void => {
        const value = look();
        if (value === undefined && !this.ended) return;
        this.watchers.delete(watcher);
        if (value !== undefined) resolve(value);
        else reject(new Error(`the coordinator has ended before ${what}: ${this.errorText}`));
      };
      this.watchers.add(watcher);
      watcher();
    });
  }
}

/** One epoch, so that only steps are measured; the images are drawn before the first. */
function flagsOf(
  { model, minWorkers, batchSize, microBatch, steps, images, host }: CoordinatorOptions,
  folder: string,
): string[] {
  return [
    ...['--model', model, '--dataset', 'synthetic', '--val-size', '0', '--train-limit', String(images)],
    ...['--batch-size', String(batchSize), '--micro-batch', String(microBatch), '--max-steps', String(steps)],
    ...[
      '--listen',
      host?.listen ?? '127.0.0.1:0',
      '--min-workers',
      String(minWorkers),
      '--run-dir',
      path.join(folder, 'run'),
    ],
    ...['--checkpoint-every', '1000000', '--json'],
    ...(host ? ['--insecure'] : []),
  ];
}
