/**
 * `simd` and PyTorch on one core, in turns: two processes that are bound to the same core, of which one works while the other
 * waits. Times are processor times, so other programs on that core do not count, but for what they take of its caches.
 */

import { spawn } from 'node:child_process';
import type { ChildProcessByStdio } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { networkFrom, summarise } from '../src/model/index.js';
import { besideThisScript, inRepository } from './repository.js';
import type { ShapeCase } from './shapeCases.js';
import { spreadOf } from './statistics.js';
import type { Spread } from './statistics.js';

export interface TurnsOptions {
  readonly rounds: number;
  /** Of each side in each round; at least one gradient is computed. */
  readonly turnMs: number;
  /** A Python that has torch; undefined: Lockstep alone. */
  readonly python: string | undefined;
}

export interface TurnsRow {
  readonly name: string;
  readonly images: number;
  /** Multiplications and additions of direct convolution, forward and backward, of one gradient. */
  readonly flops: number;
  readonly arenaBytes: number;
  /** Processor milliseconds of a gradient. */
  readonly lockstep: Spread;
  readonly peer: Spread | null;
  /** The peer's median divided by Lockstep's: how many times as fast Lockstep is. */
  readonly ratio: number | null;
}

/** V8 optimises the kernels of a large network meanwhile, on the same core. */
const LEAST_WARM_UP_MS = 4000;
/** A gradient is a forward pass and two of its size. */
const PASSES = 3;
const SHOWN_CHARACTERS = 1000;

interface Answer {
  readonly milliseconds: readonly number[];
  readonly bytes?: number;
}

export async function measureInTurns(one: ShapeCase, options: TurnsOptions): Promise<TurnsRow> {
  const folder = await mkdtemp(path.join(tmpdir(), 'lockstep-bench-'));
  const sides: Side[] = [];
  try {
    const file = path.join(folder, 'case.json');
    await writeFile(file, JSON.stringify(one));
    const bound = await boundToOneCore();
    const own = new Side([...bound, process.execPath, besideThisScript('shapeEngine.js'), file]);
    sides.push(own);
    const { python } = options;
    const script = inRepository('bench', 'peers', 'shape_peer.py');
    const peer = python === undefined ? undefined : new Side([...bound, python, script, file]);
    if (peer) sides.push(peer);
    return await turns(one, { own, peer }, options);
  } finally {
    for (const side of sides) side.end();
    await rm(folder, { recursive: true, force: true });
  }
}

async function turns(
  one: ShapeCase,
  { own, peer }: { readonly own: Side; readonly peer: Side | undefined },
  { rounds, turnMs }: TurnsOptions,
): Promise<TurnsRow> {
  const times: { readonly own: number[]; readonly peer: number[] } = { own: [], peer: [] };
  let arenaBytes = 0;
  const warmUpMs = Math.max(turnMs, LEAST_WARM_UP_MS);
  await own.measure(warmUpMs);
  await peer?.measure(warmUpMs);
  for (let round = 0; round < rounds; round++) {
    const first = await own.measure(turnMs);
    const second = await peer?.measure(turnMs);
    arenaBytes = first.bytes ?? 0;
    times.own.push(...first.milliseconds);
    times.peer.push(...(second?.milliseconds ?? []));
  }
  const lockstep = spreadOf(times.own);
  const other = peer ? spreadOf(times.peer) : null;
  return {
    name: one.name,
    images: one.images,
    flops: 2 * PASSES * one.images * summarise(networkFrom(one.network, one.name)).multiplications,
    arenaBytes,
    lockstep,
    peer: other,
    ratio: other && other.median / lockstep.median,
  };
}

/** A process that measures when it is told to. */
class Side {
  private readonly child: ChildProcessByStdio<Writable, Readable, Readable>;
  private readonly lines: AsyncIterator<string, undefined>;
  private errorText = '';

  constructor([program, ...args]: readonly string[]) {
    const env = { ...process.env, OMP_NUM_THREADS: '1' };
    this.child = spawn(program!, args, { stdio: ['pipe', 'pipe', 'pipe'], env });
    this.child.on('error', (error) => (this.errorText = error.message));
    this.child.stdin.on('error', () => undefined); // the answer that does not come tells
    this.child.stderr.on('data', (data: Buffer) => {
      this.errorText = `${this.errorText}${data.toString()}`.slice(-SHOWN_CHARACTERS);
    });
    this.lines = createInterface({ input: this.child.stdout })[Symbol.asyncIterator]();
  }

  async measure(turnMs: number): Promise<Answer> {
    this.child.stdin.write(`${turnMs}\n`);
    const next = await this.lines.next();
    if (next.done === true)
      throw new Error(`${this.child.spawnargs.join(' ')} ended: ${this.errorText.trim()}`);
    return JSON.parse(next.value) as Answer;
  }

  end(): void {
    this.child.kill();
  }
}

/** What to put before a command so that it runs on the last core only; nothing where there is no `taskset`. */
async function boundToOneCore(): Promise<readonly string[]> {
  if (process.platform !== 'linux') return [];
  const allowed = /^Cpus_allowed_list:\s*(.*)$/m.exec(await readFile('/proc/self/status', 'utf8'))?.[1];
  const last = /(\d+)$/.exec(allowed ?? '')?.[1];
  if (last === undefined || !(await canBind(last))) return [];
  return ['taskset', '-c', last];
}

function canBind(core: string): Promise<boolean> {
  return new Promise((resolve) => {
    const child = spawn('taskset', ['-c', core, 'true'], { stdio: 'ignore' });
    child.on('error', () => resolve(false));
    child.on('close', (code) => resolve(code === 0));
  });
}
