import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { fetchFile } from '../../src/data/fetchFile.js';
import { selfSignedCertificate } from '../support/certificate.js';
import { connectProxy } from '../support/connectProxy.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

const certificate = selfSignedCertificate();

describe.skipIf(certificate === undefined)('a download (skipped where openssl is missing)', () => {
  it('goes through the proxy, and still wants to know whom it talks to', async () => {
    const server = createServer({ ...certificate }, (_request, response) => response.end('data'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    const target = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    const proxy = await connectProxy();
    const fetched = fetchFile({
      url: `https://${target}/file`,
      path: path.join(temporaryFolder(), 'file'),
      timeouts: { connectMs: 30_000, stallMs: 30_000 },
      maxByteCount: 100,
      onReceived: () => undefined,
      proxyFor: () => proxy.url,
    });
    await expect(fetched).rejects.toThrow(/by way of the proxy .*self-signed certificate/);
    expect(proxy.asked.map((each) => each.target)).toEqual([target]);
  });
});
