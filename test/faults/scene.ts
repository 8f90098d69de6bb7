/** One run with everything around it: the coordinator's sessions, nodes behind proxies, and the folder they leave. */

import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { RandomStream, seedKey } from '../../src/foundation/random.js';
import { freePort } from '../integration/support/lockstep.js';
import type { Finished } from '../integration/support/lockstep.js';
import { Proxy } from './proxy.js';
import { LockstepProcess } from './support/lockstepProcess.js';
import { pause, within } from './support/within.js';
import { TestNode } from './hostileNode.js';
import type { SharedThreads, TestNodeOptions } from './hostileNode.js';
import { RECIPE, SETTINGS } from './training.js';
import type { SetUp } from './training.js';

export interface NodeBehindProxy {
  readonly name: string;
  readonly proxy: Proxy;
  readonly process: LockstepProcess;
}

type Environment = Readonly<Record<string, string>>;

export interface SceneOptions {
  readonly setUp: SetUp;
  readonly seed: number;
  readonly threads: SharedThreads;
  /** Another training than the scenarios'. */
  readonly recipe?: readonly string[];
  /** Has silence noticed after two seconds: for who waits for that. Others need not fear a machine that stalls. */
  readonly shortHeartbeat?: boolean;
}

/** The nodes of a process of their own. */
const NODES: Readonly<Record<SetUp, readonly string[]>> = {
  threads: [],
  'one-node': ['victim'],
  'two-nodes': ['victim', 'steady'],
  'relay-and-node': ['victim', 'steady'],
  'test-nodes': [],
  'thread-and-nodes': ['north', 'south'],
};

/** A node that is cut off for good notices after so long, and leaves. */
const LEAVE_BY_ITSELF_MS = 3_000;

export class Scene {
  readonly root = mkdtempSync(path.join(tmpdir(), 'lockstep-faults-'));
  readonly runDir = path.join(this.root, 'run');
  readonly random: RandomStream;
  /** The coordinator's, one after another. */
  readonly sessions: LockstepProcess[] = [];
  readonly nodes: NodeBehindProxy[] = [];
  readonly testNodes: TestNode[] = [];
  /** The worker behind the relay, where there is one. It outlives the relay. */
  private behind: LockstepProcess | undefined;
  private relayPort: number | undefined;
  /** Sessions whose last checkpoint was damaged after their end. */
  readonly damaged = new Set<LockstepProcess>();
  private readonly proxies = new Map<string, Proxy>();
  private readonly cleanups: (() => void)[] = [];
  private readonly recipe: readonly string[];
  private readonly heartbeat: readonly string[];
  private port: number | undefined;

  constructor(private readonly options: SceneOptions) {
    this.random = new RandomStream(seedKey(options.seed));
    this.recipe = options.recipe ?? [...RECIPE, ...SETTINGS];
    this.heartbeat = options.shortHeartbeat ? ['--heartbeat-timeout', '2'] : [];
  }

  /** The latest session. */
  get coordinator(): LockstepProcess {
    return this.sessions.at(-1)!;
  }

  get lastCheckpoint(): string {
    return path.join(this.runDir, 'checkpoints', 'last.safetensors');
  }

  /** A step that the seed decides, from the first of these to the last. */
  drawStep(first: number, last: number): number {
    return first + this.random.nextBelow(last - first + 1);
  }

  /** Starts everybody whom the set-up names; resolves when the coordinator has begun. */
  async begin(env: Environment = {}, firstNodesEnv: Environment = {}): Promise<void> {
    await this.startCoordinator(env);
    if (this.options.setUp === 'test-nodes') this.addTestNode({ name: 'host' });
    const [first, ...others] = NODES[this.options.setUp];
    if (first !== undefined) await this.startNode(first, firstNodesEnv);
    for (const name of others) await this.startNode(name);
  }

  startCoordinator(env: Environment = {}): Promise<void> {
    return this.sit([...this.recipe, '--run-dir', this.runDir], env);
  }

  /** Continues the run in a new process. */
  resume(env: Environment = {}): Promise<void> {
    return this.sit(['--resume', this.runDir], env);
  }

  /** A node of its own process behind a proxy of its own; one that comes back under a name finds the same proxy. */
  async startNode(name: string, env: Environment = {}): Promise<NodeBehindProxy> {
    let proxy = this.proxies.get(name);
    if (!proxy) this.proxies.set(name, (proxy = await Proxy.open(this.port)));
    const isRelay = this.options.setUp === 'relay-and-node' && name === 'victim';
    const process = isRelay ? await this.startRelay(proxy.url, env) : this.startWorker(name, proxy.url, env);
    const node = { name, proxy, process };
    this.nodes.push(node);
    return node;
  }

  private startWorker(name: string, url: string, env: Environment): LockstepProcess {
    const args = ['worker', url, '--threads', '1', '--name', name, '--engine', 'simd'];
    return new LockstepProcess(`node ${name}`, [...args, ...this.heartbeat], env);
  }

  /** At the same address each time, where its worker looks for it. */
  private async startRelay(url: string, env: Environment): Promise<LockstepProcess> {
    this.relayPort ??= await freePort();
    const listen = `127.0.0.1:${this.relayPort}`;
    const args = ['relay', url, '--listen', listen, '--name', 'victim'];
    const relay = new LockstepProcess('the relay', [...args, ...this.heartbeat], env);
    this.behind ??= this.startWorker('behind', `ws://${listen}`, {});
    return relay;
  }

  /** A node of the test's own process, straight to the coordinator. */
  addTestNode(options: Pick<TestNodeOptions, 'name' | 'tamper'>): TestNode {
    const { threads } = this.options;
    const node = new TestNode({ ...options, threads, url: () => `ws://127.0.0.1:${this.port ?? 0}` });
    this.testNodes.push(node);
    return node;
  }

  node(name: string): NodeBehindProxy {
    const found = this.nodes.findLast((node) => node.name === name);
    if (!found) throw new Error(`there is no node ${name}`);
    return found;
  }

  /** The coordinator's end, whatever it be. */
  ended(): Promise<Finished> {
    return within('the coordinator to end', this.coordinator.finished);
  }

  /** For what a scenario has done outside its own folder. */
  onClose(cleanup: () => void): void {
    this.cleanups.push(cleanup);
  }

  /** Sends home who has nobody to come back to, and waits until all processes have ended. */
  async dismissNodes(): Promise<void> {
    for (const node of this.testNodes) node.vanish();
    const processes = this.processes().filter((process) => !this.sessions.includes(process));
    const all = Promise.all(processes.map(({ finished }) => finished));
    await Promise.race([all, pause(LEAVE_BY_ITSELF_MS)]);
    for (const process of processes) process.kill('SIGTERM');
    await within('the nodes to leave', all);
  }

  /** Whatever state things are in: nothing is left running or lying about. */
  async close(): Promise<void> {
    for (const node of this.testNodes) node.vanish();
    for (const process of this.processes()) process.killGroup();
    for (const proxy of this.proxies.values()) await proxy.close();
    await Promise.all(this.processes().map(({ finished }) => finished));
    for (const cleanup of this.cleanups.reverse()) cleanup();
    if (existsSync(this.root)) rmSync(this.root, { recursive: true, force: true });
  }

  processes(): LockstepProcess[] {
    const nodes = this.nodes.map(({ process }) => process);
    return [...this.sessions, ...nodes, ...(this.behind ? [this.behind] : [])];
  }

  private async sit(args: readonly string[], env: Environment): Promise<void> {
    const { setUp } = this.options;
    const name = `the coordinator's session ${this.sessions.length + 1}`;
    const command =
      setUp === 'threads' ? ['train', '--workers', '2'] : ['coordinator', ...this.doorOptions()];
    const session = new LockstepProcess(name, [...command, ...args, '--json'], env);
    this.sessions.push(session);
    if (setUp === 'threads') return;
    const listening = await session.until('it listens', ({ event }) => event === 'listening');
    if (listening.event !== 'listening') return;
    this.port = Number(new URL(listening.url).port);
    for (const proxy of this.proxies.values()) proxy.targetPort = this.port;
  }

  private doorOptions(): string[] {
    const { setUp } = this.options;
    const local = setUp === 'thread-and-nodes' ? '1' : '0';
    const options = ['--workers', local, '--min-workers', String(this.fewestWorkers())];
    return ['--listen', '127.0.0.1:0', ...options, ...this.heartbeat];
  }

  /** Those with which training begins. */
  private fewestWorkers(): number {
    const { setUp, threads } = this.options;
    switch (setUp) {
      case 'one-node':
      case 'thread-and-nodes':
        return 1;
      case 'two-nodes':
      case 'relay-and-node':
      case 'threads':
        return 2;
      case 'test-nodes':
        return threads.pool.threads + 1; // the host's, and somebody else's
    }
  }
}
