import { request } from 'node:http';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { RunCatalog, servePage } from '../../src/watch/index.js';
import type { ListedRun, RunAnswer, RunsAnswer } from '../../src/watch/live/api.js';
import { rejectionOf } from '../support/errors.js';
import { epochLine, makeRun, RESULT, stepLine } from '../support/runFolders.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

const FILES = new Map([['/', { type: 'text/html; charset=utf-8', content: Buffer.from('<!doctype html>') }]]);

const optionsFor = (runs: RunCatalog, view?: string): Parameters<typeof servePage>[0] => ({
  ...{ host: '127.0.0.1', port: 0, option: 'listen' as const, runs, files: FILES },
  secrets: { control: undefined, view },
});

async function served(root: string, token?: string): Promise<string> {
  const catalog = new RunCatalog(root);
  const server = await servePage(optionsFor(catalog, token));
  onTestFinished(() => server.close());
  return server.url;
}

/** fetch sets the Host header by itself. */
function statusFor(url: string, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    request(url, { headers: { Host: host } }, (response) => {
      response.resume();
      resolve(response.statusCode!);
    })
      .on('error', reject)
      .end();
  });
}

async function json(url: string, init?: RequestInit): Promise<unknown> {
  return (await fetch(url, init)).json();
}

describe('what the page is told', () => {
  it('lists the runs, and tells of one its curves', async () => {
    const root = temporaryFolder();
    makeRun(path.join(root, 'deep', 'one'), { lines: [stepLine(1), epochLine(1)], result: RESULT });
    makeRun(path.join(root, 'two'));
    const url = await served(root);
    const { runs } = (await json(`${url}/api/runs`)) as RunsAnswer;
    expect(runs.map(({ id, state }: ListedRun) => [id, state])).toEqual([
      [path.join('deep', 'one'), 'finished'],
      ['two', 'interrupted'],
    ]);
    const address = `${url}/api/run?id=${encodeURIComponent('deep/one')}`;
    expect(((await json(address)) as RunAnswer).steps).toEqual([]);
    const run = (await json(`${address}&steps=1`)) as RunAnswer;
    expect(run.epochs.map(({ epoch }) => epoch)).toEqual([1]);
    expect(run.steps).toHaveLength(1);
    expect(run.config['model']).toBe('resnet8');
  });

  it('takes no id for a path', async () => {
    const outside = temporaryFolder();
    makeRun(path.join(outside, 'run'));
    makeRun(path.join(outside, 'root', 'inside'));
    const url = await served(path.join(outside, 'root'));
    for (const id of ['../run', path.join(outside, 'run'), 'inside/../../run', '']) {
      const response = await fetch(`${url}/api/run?id=${encodeURIComponent(id)}`);
      expect(response.status, id).toBe(404);
    }
    expect((await fetch(`${url}/api/run?id=inside`)).status).toBe(200);
  });
});

describe('who is told', () => {
  it('only requests for this machine, where there is no token', async () => {
    const url = await served(temporaryFolder());
    expect(await statusFor(`${url}/api/runs`, 'evil.example')).toBe(403);
    expect(await statusFor(url, 'evil.example:7080')).toBe(403);
    for (const host of ['localhost:7080', '127.0.0.1', '[::1]:7080']) {
      expect(await statusFor(`${url}/api/runs`, host), host).toBe(200);
    }
  });

  it('only who has the token, where there is one', async () => {
    const url = await served(temporaryFolder(), 's3cret');
    const status = async (authorization?: string): Promise<number> =>
      (await fetch(`${url}/api/runs`, authorization === undefined ? {} : { headers: { authorization } }))
        .status;
    expect(await status()).toBe(401);
    expect(await status('Bearer wrong')).toBe(401);
    expect(await status('s3cret')).toBe(401);
    expect(await status('Bearer s3cret')).toBe(200);
    expect((await fetch(url)).status).toBe(200); // the page itself tells nothing
  });

  it('nobody beyond this machine without a token', async () => {
    const catalog = new RunCatalog(temporaryFolder());
    await rejectionOf('E_LISTEN', servePage({ ...optionsFor(catalog), host: '0.0.0.0' }));
  });
});

it('answers reading requests alone, with headers that keep the page to itself', async () => {
  const url = await served(temporaryFolder());
  for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) {
    expect((await fetch(`${url}/api/runs`, { method })).status, method).toBe(405);
  }
  expect((await fetch(`${url}/missing`)).status).toBe(404);
  expect((await fetch(`${url}/api/missing`)).status).toBe(404);
  const { headers } = await fetch(url);
  expect(headers.get('content-security-policy')).toContain("default-src 'none'; script-src 'self'");
  expect(headers.get('access-control-allow-origin')).toBeNull();
});

it('names a port that is taken', async () => {
  const url = await served(temporaryFolder());
  const catalog = new RunCatalog(temporaryFolder());
  const port = Number(new URL(url).port);
  const second = servePage({ ...optionsFor(catalog), port });
  await expect(second).rejects.toThrow(`127.0.0.1:${port}`);
});
