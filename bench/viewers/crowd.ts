/** Viewers of a run's page, as browsers are: a stream that is read, and curves that are asked for when they have grown. */

import { get } from 'node:http';
import type { IncomingMessage } from 'node:http';
import type { LiveView } from '../../src/watch/live/api.js';

export class ViewerCrowd {
  private readonly streams: IncomingMessage[] = [];
  /** Bytes of all streams and answers. */
  bytesReceived = 0;
  pictures = 0;

  private constructor(private readonly url: string) {}

  /** @param stalled viewers that read nothing, besides those that do */
  static async open(url: string, count: number, stalled: number): Promise<ViewerCrowd> {
    const crowd = new ViewerCrowd(url);
    await Promise.all(Array.from({ length: count + stalled }, (_, index) => crowd.join(index >= count)));
    return crowd;
  }

  close(): void {
    for (const stream of this.streams) stream.destroy();
  }

  private async join(isStalled: boolean): Promise<void> {
    const stream = await answerOf(`${this.url}api/live`);
    stream.on('error', () => undefined); // the run ends, or this crowd does
    this.streams.push(stream);
    if (isStalled) return void stream.socket.pause();
    let version = '';
    let rest = '';
    stream.setEncoding('utf8').on('data', (text: string) => {
      this.bytesReceived += text.length;
      const parts = (rest + text).split('\n\n');
      rest = parts.pop()!;
      for (const part of parts) {
        if (!part.startsWith('data: {"nowMs"')) continue;
        this.pictures++;
        const view = JSON.parse(part.slice('data: '.length)) as LiveView;
        const now = `${view.epochsCompleted}.${view.happeningCount}.${view.phase}`;
        if (now !== version) void this.askForCurves(now);
        version = now;
      }
    });
  }

  private async askForCurves(version: string): Promise<void> {
    try {
      const runs = await this.read('api/runs');
      const [run] = (JSON.parse(runs) as { readonly runs: readonly { readonly id: string }[] }).runs;
      if (run) await this.read(`api/run?id=${encodeURIComponent(run.id)}&v=${version}`);
    } catch {
      // The run has ended meanwhile.
    }
  }

  private async read(path: string): Promise<string> {
    const response = await answerOf(`${this.url}${path}`);
    let text = '';
    for await (const piece of response.setEncoding('utf8') as AsyncIterable<string>) text += piece;
    this.bytesReceived += text.length;
    return text;
  }
}

function answerOf(url: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    get(url, { agent: false }, resolve).on('error', reject);
  });
}
