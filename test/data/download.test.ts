import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { downloadCifar10, loadCifar10Test, OFFICIAL_ARCHIVE } from '../../src/data/index.js';
import type { DownloadOptions, DownloadProgress } from '../../src/data/index.js';
import { archiveOf, serve, tinyArchive, TINY_BATCH_BYTE_COUNT, tinyEntries } from './archives.js';
import { BATCH_BYTE_COUNT, patch, temporaryFolder, writeBinarySet, writeZeros } from './cifar10Fixtures.js';

/** The download must fail with the code and message, and leave the folder as it was. */
async function expectFailure(
  options: Omit<DownloadOptions, 'dataDir'>,
  message: RegExp,
  code = 'E_DATA_DOWNLOAD',
): Promise<void> {
  const dataDir = await temporaryFolder();
  await expect(downloadCifar10({ ...options, dataDir })).rejects.toMatchObject({
    code,
    message: expect.stringMatching(message) as string,
  });
  expect(await readdir(dataDir)).toEqual([]);
}

const bytes = tinyArchive();
const servingAll = (): Promise<string> => serve((_, response) => response.end(bytes));

describe('downloadCifar10', () => {
  it('places the eight files, reports its progress, and leaves nothing else', async () => {
    const dataDir = join(await temporaryFolder(), 'new');
    const progress: DownloadProgress[] = [];
    const result = await downloadCifar10({
      dataDir,
      archive: archiveOf(await servingAll(), bytes, TINY_BATCH_BYTE_COUNT),
      onProgress: (each) => progress.push(each),
    });
    const folder = join(dataDir, 'cifar-10-batches-bin');
    expect(result).toEqual({ location: { folder, layout: 'binary' }, wasDownloaded: true });
    expect(await readdir(dataDir)).toEqual(['cifar-10-batches-bin']);
    for (const { name, content } of tinyEntries().slice(1)) {
      expect(new Uint8Array(await readFile(join(dataDir, name)))).toEqual(content);
    }
    expect(progress.at(0)).toMatchObject({ phase: 'downloading', totalByteCount: bytes.length });
    expect(progress).toContainEqual({
      phase: 'downloading',
      receivedByteCount: bytes.length,
      totalByteCount: bytes.length,
    });
    expect(progress.at(-1)).toEqual({ phase: 'extracting' });
  });

  it('fetches a set that can be loaded, and does not fetch it twice', async () => {
    const whole = tinyArchive(
      tinyEntries().map(({ name, ...rest }) =>
        name.endsWith('.bin') ? { name, content: new Uint8Array(BATCH_BYTE_COUNT) } : { name, ...rest },
      ),
    );
    let requestCount = 0;
    const url = await serve((_, response) => {
      requestCount++;
      response.end(whole);
    });
    const options = { dataDir: await temporaryFolder(), archive: archiveOf(url, whole, BATCH_BYTE_COUNT) };
    expect((await downloadCifar10(options)).wasDownloaded).toBe(true);
    expect((await loadCifar10Test(options.dataDir)).sampleCount).toBe(10_000);
    expect((await downloadCifar10(options)).wasDownloaded).toBe(false);
    expect(requestCount).toBe(1);
  });

  it('never touches a usable copy, nor needs the network for it', async () => {
    const dataDir = await temporaryFolder();
    const folder = await writeBinarySet(dataDir);
    const archive = archiveOf('http://127.0.0.1:1/', bytes, TINY_BATCH_BYTE_COUNT);
    for (const each of [dataDir, folder]) {
      expect(await downloadCifar10({ dataDir: each, archive })).toEqual({
        location: { folder, layout: 'binary' },
        wasDownloaded: false,
      });
    }
  });

  it('leaves alone a usable copy that another process placed in the meantime', async () => {
    const dataDir = await temporaryFolder();
    const url = await serve((_, response) => {
      void writeBinarySet(dataDir).then(() => response.end(bytes));
    });
    const result = await downloadCifar10({ dataDir, archive: archiveOf(url, bytes, TINY_BATCH_BYTE_COUNT) });
    expect(result.wasDownloaded).toBe(false);
    expect(await readdir(dataDir)).toEqual(['cifar-10-batches-bin']);
    expect((await loadCifar10Test(dataDir)).sampleCount).toBe(10_000);
  });

  it.each(['a truncated file', 'a wrong label'])(
    'moves a copy with %s aside and keeps it',
    async (damage) => {
      const dataDir = await temporaryFolder();
      const folder = await writeBinarySet(dataDir);
      const file = join(folder, 'data_batch_1.bin');
      await (damage === 'a wrong label' ? patch(file, 0, Uint8Array.of(99)) : writeZeros(file, 1));
      await mkdir(`${folder}.damaged-1`); // from an earlier time
      const archive = archiveOf(await servingAll(), bytes, TINY_BATCH_BYTE_COUNT);
      const result = await downloadCifar10({ dataDir: folder, archive });
      expect(result.movedAside).toBe(`${folder}.damaged-2`);
      expect((await readFile(join(folder, 'data_batch_1.bin'))).length).toBe(TINY_BATCH_BYTE_COUNT);
      expect((await readdir(`${folder}.damaged-2`)).length).toBe(6);
    },
  );

  it('follows a redirect', async () => {
    const target = await servingAll();
    const url = await serve((_, response) => response.writeHead(302, { location: target }).end());
    const archive = archiveOf(url, bytes, TINY_BATCH_BYTE_COUNT);
    expect((await downloadCifar10({ dataDir: await temporaryFolder(), archive })).wasDownloaded).toBe(true);
  });

  it('keeps the bytes of a server that calls the archive gzip-encoded', async () => {
    const url = await serve((_, response) => {
      response.writeHead(200, { 'content-encoding': 'gzip', 'content-type': 'application/x-tar' }).end(bytes);
    });
    const archive = archiveOf(url, bytes, TINY_BATCH_BYTE_COUNT);
    expect((await downloadCifar10({ dataDir: await temporaryFolder(), archive })).wasDownloaded).toBe(true);
  });

  it('knows the official archive', () => {
    expect(OFFICIAL_ARCHIVE).toMatchObject({
      url: 'https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz',
      md5: 'c32a1d4ab5d03f1284b67883e8d87530',
      byteCount: 170_052_171,
    });
  });
});

describe('downloadCifar10 places nothing and says why', () => {
  it('when the server has no such file', async () => {
    const url = await serve((_, response) => response.writeHead(404).end('no'));
    const archive = archiveOf(url, bytes, TINY_BATCH_BYTE_COUNT);
    await expectFailure(
      { archive },
      /could not be fetched from http.*: the server answered 404; nothing was changed; try again/,
    );
  });

  it('when the server redirects in circles', async () => {
    const url = await serve((_, response) => response.writeHead(302, { location: '/' }).end());
    await expectFailure({ archive: archiveOf(url, bytes, 1) }, /redirected more than 5 times/);
  });

  it('when there is no network', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    await new Promise((resolve) => server.close(resolve));
    const archive = archiveOf(`http://127.0.0.1:${port}/`, bytes, TINY_BATCH_BYTE_COUNT);
    await expectFailure({ archive }, /ECONNREFUSED.*dataset synthetic/);
  });

  it('when the connection breaks in the middle', async () => {
    const url = await serve((_, response) => {
      response.writeHead(200, { 'content-length': bytes.length });
      response.write(bytes.subarray(0, 100), () => response.destroy());
    });
    await expectFailure({ archive: archiveOf(url, bytes, 1) }, /could not be fetched .*: aborted/);
  });

  it('when the server stops early without a word', async () => {
    const url = await serve((_, response) => response.end(bytes.subarray(0, 100)));
    const archive = archiveOf(url, bytes, TINY_BATCH_BYTE_COUNT);
    await expectFailure({ archive }, new RegExp(`has 100 bytes, but it must have ${bytes.length}`));
  });

  it('when more comes than the archive has', async () => {
    const url = await serve((_, response) => response.end(Buffer.concat([bytes, bytes])));
    await expectFailure(
      { archive: archiveOf(url, bytes, 1) },
      new RegExp(`more than ${bytes.length} bytes came`),
    );
  });

  it('when the checksum is another', async () => {
    const archive = { ...archiveOf(await servingAll(), bytes, TINY_BATCH_BYTE_COUNT), md5: '0'.repeat(32) };
    await expectFailure({ archive }, /has the MD5 checksum [0-9a-f]{32}, but it must have 0{32}/);
  });

  it('when the server does not answer', async () => {
    const url = await serve(() => undefined);
    const timeouts = { connectMs: 50, stallMs: 10_000 };
    await expectFailure({ archive: archiveOf(url, bytes, 1), timeouts }, /there was no answer within 0.05 s/);
  });

  it('when the server falls silent', async () => {
    const url = await serve((_, response) => {
      response.writeHead(200, { 'content-length': bytes.length });
      response.write(bytes.subarray(0, 100));
    });
    const timeouts = { connectMs: 10_000, stallMs: 50 };
    await expectFailure({ archive: archiveOf(url, bytes, 1), timeouts }, /nothing more came within 0.05 s/);
  });

  it('when it is interrupted while it downloads', async () => {
    const url = await serve((_, response) => {
      response.writeHead(200, { 'content-length': bytes.length });
      response.write(bytes.subarray(0, 100));
    });
    const controller = new AbortController();
    await expectFailure(
      { archive: archiveOf(url, bytes, 1), signal: controller.signal, onProgress: () => controller.abort() },
      /download was interrupted/,
    );
  });

  it('when it is interrupted while it unpacks', async () => {
    const controller = new AbortController();
    await expectFailure(
      {
        archive: archiveOf(await servingAll(), bytes, TINY_BATCH_BYTE_COUNT),
        signal: controller.signal,
        onProgress: ({ phase }) => {
          if (phase === 'extracting') controller.abort();
        },
      },
      /download was interrupted/,
    );
  });

  it.each([
    ['lacks a batch', tinyEntries().slice(0, -1), /holds no test_batch\.bin, but it must hold 1000 bytes/],
    [
      'has a batch that is too short',
      [
        ...tinyEntries().slice(0, -1),
        { name: 'cifar-10-batches-bin/test_batch.bin', content: new Uint8Array(3) },
      ],
      /holds 3 bytes of test_batch\.bin/,
    ],
    [
      'has a batch that is too long',
      [{ name: 'cifar-10-batches-bin/test_batch.bin', content: new Uint8Array(1001) }],
      /test_batch\.bin has 1001 bytes, more than the limit of 1000/,
    ],
    [
      'holds links in place of files',
      tinyEntries().map((entry) => ({ ...entry, type: '2' })),
      /holds no data_batch_1\.bin/,
    ],
  ])('when the archive %s', async (_, entries, message) => {
    const archiveBytes = tinyArchive(entries);
    const url = await serve((_request, response) => response.end(archiveBytes));
    await expectFailure({ archive: archiveOf(url, archiveBytes, TINY_BATCH_BYTE_COUNT) }, message);
  });

  it('when the archive is no gzip', async () => {
    const page = Buffer.from('<html>not found</html>');
    const url = await serve((_, response) => response.end(page));
    await expectFailure({ archive: archiveOf(url, page, 1) }, /cannot be unpacked: incorrect header check/);
  });

  it.each([['new'], ['new', 'and', 'deep']])(
    'and no folder that was not there before: %s',
    async (...names) => {
      const parent = await temporaryFolder();
      const url = await serve((_, response) => response.writeHead(404).end());
      const dataDir = join(parent, ...names);
      await expect(
        downloadCifar10({ dataDir, archive: archiveOf(url, bytes, TINY_BATCH_BYTE_COUNT) }),
      ).rejects.toMatchObject({ code: 'E_DATA_DOWNLOAD' });
      expect(await readdir(parent)).toEqual([]);
    },
  );

  it('and asks for nothing where the target is a link that leads nowhere', async () => {
    const dataDir = await temporaryFolder();
    const link = join(dataDir, 'cifar-10-batches-bin');
    await symlink(join(dataDir, 'unplugged'), link);
    const archive = archiveOf('http://127.0.0.1:1/', bytes, TINY_BATCH_BYTE_COUNT); // E_DATA_DOWNLOAD if asked
    for (const each of [dataDir, link]) {
      await expect(downloadCifar10({ dataDir: each, archive })).rejects.toMatchObject({
        code: 'E_IO',
        message: expect.stringMatching(
          /is a link to .*unplugged, which does not exist; .*with dataDir/,
        ) as string,
      });
    }
    expect(await readdir(dataDir)).toEqual(['cifar-10-batches-bin']);
  });

  it('when the folder cannot be made', async () => {
    const file = join(await temporaryFolder(), 'file');
    await writeFile(file, '');
    await expect(downloadCifar10({ dataDir: join(file, 'inside') })).rejects.toMatchObject({ code: 'E_IO' });
  });
});
