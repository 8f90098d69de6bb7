/** Simulated nodes, distributed over a few processes. */

import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { sum } from '../statistics.js';
import type { NodeSettings, NodesCommand, NodesReport, Traffic } from './wire.js';

export class NodeProcesses {
  private readonly children: ChildProcess[];
  private readonly losses: string[] = [];

  /** @param settings of all nodes. @param prefix a command that runs another, as on another host */
  constructor(
    processes: number,
    private readonly settings: NodeSettings = { computeMs: 0, token: undefined },
    [program, ...args]: readonly string[] = [],
  ) {
    const elsewhere =
      program === undefined ? {} : { execPath: program, execArgv: [...args, process.execPath] };
    this.children = Array.from({ length: processes }, () => {
      const child = fork(new URL('nodesProcess.js', import.meta.url), elsewhere);
      child.on('message', (report: NodesReport) => {
        if (report.kind === 'lost') this.losses.push(report.reason);
      });
      return child;
    });
  }

  /** Connections that ended without a goodbye, and why. */
  get lost(): readonly string[] {
    return this.losses;
  }

  /** @returns milliseconds to the welcome, for each node */
  async attach(url: string, count: number): Promise<number[]> {
    const reports = await Promise.all(
      this.children.map((child, index) => {
        const share = Math.floor((count + index) / this.children.length);
        return ask(child, { kind: 'attach', url, count: share, ...this.settings }, 'attached');
      }),
    );
    return reports.flatMap(({ setUpMs }) => setUpMs);
  }

  async traffic(): Promise<Traffic> {
    const each = await Promise.all(this.children.map((child) => ask(child, { kind: 'count' }, 'counted')));
    return {
      bytesToCoordinator: sum(each.map(({ bytesToCoordinator }) => bytesToCoordinator)),
      bytesFromCoordinator: sum(each.map(({ bytesFromCoordinator }) => bytesFromCoordinator)),
      framesToCoordinator: sum(each.map(({ framesToCoordinator }) => framesToCoordinator)),
      framesFromCoordinator: sum(each.map(({ framesFromCoordinator }) => framesFromCoordinator)),
    };
  }

  end(): void {
    for (const child of this.children) child.kill('SIGKILL');
  }
}

type ReportOf<Kind extends NodesReport['kind']> = Extract<NodesReport, { kind: Kind }>;

function ask<Kind extends NodesReport['kind']>(
  child: ChildProcess,
  command: NodesCommand,
  kind: Kind,
): Promise<ReportOf<Kind>> {
  return new Promise((resolve, reject) => {
    const onExit = (): void => reject(new Error('a process of simulated nodes has ended'));
    const onMessage = (report: NodesReport): void => {
      if (report.kind === 'lost') return settle(() => reject(new Error(report.reason)));
      if (report.kind === kind) settle(() => resolve(report as ReportOf<Kind>));
    };
    const settle = (then: () => void): void => {
      child.off('message', onMessage);
      child.off('exit', onExit);
      then();
    };
    child.on('message', onMessage);
    child.once('exit', onExit);
    child.send(command);
  });
}
