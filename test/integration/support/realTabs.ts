/**
 * A Chromium whose tabs can be hidden and frozen, driven by its own protocol. Playwright keeps every page visible and awake
 * (https://chromedevtools.github.io/devtools-protocol/tot/Emulation/#method-setFocusEmulationEnabled).
 */

import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { WebSocket } from 'ws';
import { CHROMIUM } from './chromium.js';
import { until } from './lockstep.js';

interface Answer {
  readonly id?: number;
  readonly result?: unknown;
  readonly error?: { readonly message: string };
}

export class RealTabs {
  private lastId = 0;
  private readonly waiting = new Map<number, (answer: Answer) => void>();

  private constructor(
    private readonly browser: ChildProcess,
    private readonly profile: string,
    private readonly socket: WebSocket,
  ) {
    socket.on('message', (data: Buffer) => {
      const answer = JSON.parse(data.toString()) as Answer;
      if (answer.id !== undefined) this.waiting.get(answer.id)?.(answer);
    });
  }

  static async open(): Promise<RealTabs> {
    const profile = mkdtempSync(path.join(tmpdir(), 'lockstep-tabs-'));
    const options = ['--headless=new', '--no-sandbox', '--disable-gpu', '--remote-debugging-port=0'];
    const browser = spawn(CHROMIUM!, [...options, `--user-data-dir=${profile}`, 'about:blank'], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let said = '';
    browser.stderr.on('data', (data: Buffer) => (said += data.toString()));
    const address = (): string | undefined => /listening on (ws:\S+)/.exec(said)?.[1];
    await until('Chromium listens', () => address() !== undefined);
    const socket = new WebSocket(address()!);
    await new Promise((resolve) => socket.once('open', resolve));
    return new RealTabs(browser, profile, socket);
  }

  /** The new tab is the visible one; the last is hidden by it. */
  async newTab(url: string): Promise<RealTab> {
    const { targetId } = await this.ask<{ targetId: string }>('Target.createTarget', { url });
    const attach = { targetId, flatten: true };
    const { sessionId } = await this.ask<{ sessionId: string }>('Target.attachToTarget', attach);
    return new RealTab((method, parameters) => this.ask(method, parameters, sessionId), targetId);
  }

  /** A tab without a debugger, which Chromium treats as it does those of people. */
  async newUnwatchedTab(url: string): Promise<void> {
    await this.ask('Target.createTarget', { url });
  }

  async ask<Result = unknown>(method: string, parameters: object = {}, sessionId?: string): Promise<Result> {
    const id = ++this.lastId;
    const answered = new Promise<Answer>((resolve) => this.waiting.set(id, resolve));
    this.socket.send(JSON.stringify({ id, method, params: parameters, sessionId }));
    const { result, error } = await answered;
    this.waiting.delete(id);
    if (error) throw new Error(`${method}: ${error.message}`);
    return result as Result;
  }

  async close(): Promise<void> {
    const ended = new Promise((resolve) => this.browser.once('exit', resolve));
    await this.ask('Browser.close'); // so that it has written its profile when it ends
    await ended;
    rmSync(this.profile, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  }
}

type Ask = <Result>(method: string, parameters?: object) => Promise<Result>;

export class RealTab {
  constructor(
    private readonly ask: Ask,
    private readonly targetId: string,
  ) {}

  /** @param expression of JavaScript, whose value can be written as JSON */
  async evaluate<Value>(expression: string): Promise<Value> {
    const answer = await this.ask<{ result: { value: Value }; exceptionDetails?: { text: string } }>(
      'Runtime.evaluate',
      { expression, returnByValue: true, awaitPromise: true },
    );
    if (answer.exceptionDetails) throw new Error(`${expression}: ${answer.exceptionDetails.text}`);
    return answer.result.value;
  }

  /** Empty while there is no such place, as while a page is replaced by the next. */
  textOf(id: string): Promise<string> {
    const text = this.evaluate<string>(`document.getElementById(${JSON.stringify(id)})?.textContent ?? ''`);
    return text.catch(() => '');
  }

  /** Only a hidden tab can be frozen: neither the page nor its Workers run until it is thawed. */
  async freeze(): Promise<void> {
    await this.ask('Page.setWebLifecycleState', { state: 'frozen' });
  }

  async thaw(): Promise<void> {
    await this.ask('Page.setWebLifecycleState', { state: 'active' });
  }

  async close(): Promise<void> {
    await this.ask('Target.closeTarget', { targetId: this.targetId });
  }
}

/** Resolves when the condition holds; the limit only ends a test that would never end. */
export async function untilTrue(what: string, condition: () => Promise<boolean>): Promise<void> {
  const deadlineMs = performance.now() + 300_000;
  while (!(await condition())) {
    if (performance.now() > deadlineMs) throw new Error(`timed out waiting until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
