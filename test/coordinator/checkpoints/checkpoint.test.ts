import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { readCheckpoint } from '../../../src/coordinator/checkpoints/checkpoint.js';
import type { Checkpoint } from '../../../src/coordinator/checkpoints/checkpoint.js';
import { encodeCheckpoint, takeSnapshot } from '../../../src/coordinator/checkpoints/checkpointSnapshot.js';
import { freshProgress } from '../../../src/coordinator/run/progress.js';
import { decodeSafetensors, encodeSafetensors } from '../../../src/coordinator/checkpoints/safetensors.js';
import { LockstepError } from '../../../src/foundation/errors.js';
import { buildModel, initialiseModel } from '../../../src/model/index.js';
import { rejectionOf } from '../../support/errors.js';
import { hashedValues } from '../../support/numbers.js';
import { recipe } from '../../support/recipes.js';
import { temporaryFolder } from '../../support/temporaryFolder.js';

const model = buildModel('resnet8', 0.25);

function checkpoint(): Checkpoint {
  const { parameters } = initialiseModel(model, 3);
  return {
    recipe: recipe({ dropout: 0.25, schedule: 'onecycle', trainLimit: 5000, seed: 2 ** 53 - 1 }),
    progress: {
      ...freshProgress(),
      step: 120,
      epoch: 3,
      stepInEpoch: 17,
      epochTotals: { lossSum: 1 / 3, correct: 44, samples: 136, seconds: 0.1 + 0.2 },
      earlyStopping: { bestEpoch: 2, bestAccuracy: 2 / 3, epochsWithoutImprovement: 1 },
      contributors: { 'wasm "quoted"': { engine: 'wasm', exact: true } },
    },
    state: { parameters, statistics: hashedValues(model.layout.statisticCount, 5) },
    velocity: hashedValues(model.layout.parameterCount, 9, 1e-3),
    best: {
      parameters: hashedValues(model.layout.parameterCount, 21),
      statistics: hashedValues(model.layout.statisticCount, 22),
    },
    averaged: {
      parameters: hashedValues(model.layout.parameterCount, 23),
      statistics: hashedValues(model.layout.statisticCount, 24),
    },
    normalisation: { mean: [0.1 + 0.2, 0.5, 0.4], standardDeviation: [1 / 3, 0.25, 0.2] },
    samples: {
      training: { images: 'a', labels: 'b' },
      validation: { images: 'c', labels: 'd' },
    },
  };
}

let bytes: Buffer;
beforeAll(async () => {
  bytes = await encodeCheckpoint(checkpoint(), model);
});

function fileWith(content: Uint8Array): string {
  const file = path.join(temporaryFolder(), 'last.safetensors');
  writeFileSync(file, content);
  return file;
}

/** Where the header and the data begin. */
const headerBytes = (): number => Number(bytes.readBigUInt64LE());

type MetadataChange = (metadata: Record<string, unknown>) => unknown;

/** The checkpoint with other metadata; with the digest that fits them, as if Lockstep had written them so, or not. */
function withMetadata(change: MetadataChange, { digested }: { digested: boolean }): Buffer {
  const { metadata, tensors } = decodeSafetensors(bytes, 'file');
  const changed = change(JSON.parse(metadata['lockstep']!) as Record<string, unknown>);
  const text = typeof changed === 'string' ? changed : JSON.stringify(changed);
  const digest = createHash('sha256').update(text).digest('hex');
  const lockstepSha256 = digested ? digest : metadata['lockstepSha256']!;
  return encodeSafetensors({ metadata: { lockstep: text, lockstepSha256 }, tensors });
}

describe('a checkpoint', () => {
  it('comes back with every bit', async () => {
    const { model: readModel, ...read } = await readCheckpoint(fileWith(bytes));
    expect(read).toEqual(checkpoint());
    expect(readModel).toEqual(model);
  });

  it('keeps bits that are easily lost: -0, the smallest, the largest', async () => {
    const odd = checkpoint();
    odd.state.parameters.set([-0, 1e-45, 3.4028235e38, -1e-40]);
    const read = await readCheckpoint(fileWith(await encodeCheckpoint(odd, model)));
    const bits = (vector: Float32Array): Buffer =>
      Buffer.from(new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength));
    expect(Buffer.compare(bits(read.state.parameters), bits(odd.state.parameters))).toBe(0);
  });

  it('is a copy: the run may go on while it is written', async () => {
    const moving = checkpoint();
    const snapshot = takeSnapshot(moving, model);
    const vectors = [moving.state, moving.best!].flatMap(({ parameters, statistics }) => [
      parameters,
      statistics,
    ]);
    for (const vector of [...vectors, moving.velocity]) vector.fill(7);
    const { model: _model, ...read } = await readCheckpoint(fileWith(Buffer.concat(await snapshot.encode())));
    expect(read).toEqual(checkpoint());
  });

  it('names every tensor of the model, with its shape, and the momentum beside them', () => {
    const shapes = new Map(decodeSafetensors(bytes, 'file').tensors.map(({ name, shape }) => [name, shape]));
    for (const { name, shape } of [...model.layout.parameters, ...model.layout.statistics]) {
      expect(shapes.get(name)).toEqual(shape);
    }
    for (const { name, shape } of model.layout.parameters) {
      expect(shapes.get(`momentum.${name}`)).toEqual(shape);
    }
    for (const { name, shape } of [...model.layout.parameters, ...model.layout.statistics]) {
      expect(shapes.get(`best.${name}`)).toEqual(shape);
      expect(shapes.get(`averaged.${name}`)).toEqual(shape);
    }
    expect(shapes.size).toBe(4 * model.layout.parameters.length + 3 * model.layout.statistics.length);
  });

  it('has no best weights before there are any, as in files of older versions', async () => {
    const file = fileWith(await encodeCheckpoint({ ...checkpoint(), best: undefined }, model));
    const { metadata, tensors } = decodeSafetensors(readFileSync(file), file);
    expect(metadata['lockstep']).not.toContain('bestWeightsSha256');
    expect(tensors.some(({ name }) => name.startsWith('best.'))).toBe(false);
    const { model: _model, ...read } = await readCheckpoint(file);
    expect(read).toEqual({ ...checkpoint(), best: undefined });
  });
});

describe('a checkpoint of an older version', () => {
  it('has crops of the paper and no label smoothing', async () => {
    const older: MetadataChange = (metadata) => {
      const { cropPadding: _padding, labelSmoothing: _smoothing, ...without } = recipe({ dropout: 0.25 });
      return { ...metadata, recipe: without };
    };
    const read = await readCheckpoint(fileWith(withMetadata(older, { digested: true })));
    expect(read.recipe).toEqual(recipe({ dropout: 0.25, cropPadding: 4, labelSmoothing: 0 }));
  });

  it('has no digest of its samples', async () => {
    const older: MetadataChange = ({ samples: _samples, ...without }) => without;
    const read = await readCheckpoint(fileWith(withMetadata(older, { digested: true })));
    expect(read.samples).toBeUndefined();
    const { model: _model, ...again } = read;
    expect(await readCheckpoint(fileWith(await encodeCheckpoint(again, model)))).toEqual(read);
  });
});

describe('a checkpoint that cannot be used', () => {
  it.each([
    ['a weight', ({ state }: Checkpoint) => state.parameters],
    ['a running statistic', ({ state }: Checkpoint) => state.statistics],
    ['a momentum', ({ velocity }: Checkpoint) => velocity],
    ['one of the best weights', ({ best }: Checkpoint) => best!.parameters],
  ])('holds %s that is not finite', async (_, vectorOf) => {
    const exploded = checkpoint();
    vectorOf(exploded)[3] = Infinity;
    const file = fileWith(await encodeCheckpoint(exploded, model));
    expect((await rejectionOf('E_CHECKPOINT', readCheckpoint(file))).message).toContain('not finite');
  });

  it('is missing, or a folder', async () => {
    const folder = temporaryFolder();
    for (const file of [path.join(folder, 'none.safetensors'), folder]) {
      const { message } = await rejectionOf('E_CHECKPOINT', readCheckpoint(file));
      expect(message).toMatch(/; use another checkpoint of the run/);
    }
  });

  it('is some other safetensors file', async () => {
    const reference = readFileSync(new URL('../../golden/reference.safetensors', import.meta.url));
    const error = await rejectionOf('E_CHECKPOINT', readCheckpoint(fileWith(reference)));
    expect(error.message).toContain('last.safetensors');
  });

  it.each<[string, MetadataChange]>([
    ['is not JSON', () => '{'],
    ['is nothing', () => 'null'],
    ['is of another format', (metadata) => ({ ...metadata, format: 'lockstep-checkpoint/999' })],
    [
      'has the network of other tensors',
      (metadata) => ({ ...metadata, network: buildModel('resnet20').description }),
    ],
    ['has a network that is none', (metadata) => ({ ...metadata, network: { layers: [] } })],
    [
      'has the standardisation of other images',
      (metadata) => ({ ...metadata, normalisation: { mean: [0.5], standardDeviation: [0.5] } }),
    ],
    [
      'has no network, as in older versions, and the name of another',
      ({ network: _network, ...rest }) => ({ ...rest, recipe: recipe({ model: 'resnet20' }) }),
    ],
    [
      'has no network, and a name that makes none',
      ({ network: _network, ...rest }) => ({ ...rest, recipe: { ...recipe(), model: 'vgg' } }),
    ],
    ['has no recipe', ({ recipe: _recipe, ...rest }) => rest],
    ['has no digest', ({ weightsSha256: _digest, ...rest }) => rest],
  ])('has metadata that %s', async (_what, change) => {
    await rejectionOf('E_CHECKPOINT', readCheckpoint(fileWith(withMetadata(change, { digested: true }))));
  });

  it('has metadata that were changed afterwards: another step, another seed', async () => {
    const changes: MetadataChange[] = [
      (metadata) => ({ ...metadata, progress: { ...checkpoint().progress, step: 121 } }),
      (metadata) => ({ ...metadata, recipe: recipe({ dropout: 0.25, seed: 5 }) }),
    ];
    for (const change of changes) {
      await readCheckpoint(fileWith(withMetadata(change, { digested: true })));
      await rejectionOf('E_CHECKPOINT', readCheckpoint(fileWith(withMetadata(change, { digested: false }))));
    }
  });

  it('lacks a tensor, or has one of another size', async () => {
    const { metadata, tensors } = decodeSafetensors(bytes, 'file');
    const without = encodeSafetensors({ metadata, tensors: tensors.slice(1) });
    const misshapen = encodeSafetensors({
      metadata,
      tensors: [{ ...tensors[0]!, shape: [1], values: tensors[0]!.values.slice(0, 1) }, ...tensors.slice(1)],
    });
    for (const content of [without, misshapen]) {
      const error = await rejectionOf('E_CHECKPOINT', readCheckpoint(fileWith(content)));
      expect(error.message).toContain(tensors[0]!.name);
    }
  });

  it('has a tensor of another shape with the same number of values', async () => {
    const { metadata, tensors } = decodeSafetensors(bytes, 'file');
    const at = tensors.findIndex(({ shape }) => new Set(shape).size > 1);
    const transposed = tensors.map((tensor, index) =>
      index === at ? { ...tensor, shape: [...tensor.shape].reverse() } : tensor,
    );
    const error = await rejectionOf(
      'E_CHECKPOINT',
      readCheckpoint(fileWith(encodeSafetensors({ metadata, tensors: transposed }))),
    );
    expect(error.message).toContain(`${tensors[at]!.name} is missing or misshapen`);
  });

  it('ends within its averaged weights, or lacks some of them', async () => {
    const { metadata, tensors } = decodeSafetensors(bytes, 'file');
    const averaged = tensors.filter(({ name }) => name.startsWith('averaged.'));
    const last = averaged.at(-1)!;
    expect(tensors.at(-1)).toBe(last); // what is cut off below
    const damaged = [
      bytes.subarray(0, -1),
      bytes.subarray(0, -last.values.byteLength),
      encodeSafetensors({ metadata, tensors: tensors.filter((tensor) => tensor !== averaged[0]) }),
      encodeSafetensors({ metadata, tensors: tensors.filter(({ name }) => !name.startsWith('averaged.')) }),
    ];
    for (const file of damaged) await rejectionOf('E_CHECKPOINT', readCheckpoint(fileWith(file)));
  });

  it('is larger than any checkpoint, and is not read', async () => {
    const file = fileWith(bytes);
    truncateSync(file, 2 ** 33); // as a sparse file
    const error = await rejectionOf('E_CHECKPOINT', readCheckpoint(file));
    expect(error.message).toContain('8589934592 bytes');
  });

  it.skipIf(process.platform === 'win32')('is a pipe, and nobody waits for a writer', async () => {
    const file = path.join(temporaryFolder(), 'last.safetensors');
    execFileSync('mkfifo', [file]);
    const error = await rejectionOf('E_CHECKPOINT', readCheckpoint(file));
    expect(error.message).toContain('not a regular file');
  });

  it('was cut off', async () => {
    for (const length of [0, 7, 8, 100, headerBytes(), headerBytes() + 8, bytes.byteLength - 1]) {
      await rejectionOf('E_CHECKPOINT', readCheckpoint(fileWith(bytes.subarray(0, length))));
    }
  });

  it.each<[string, () => readonly [number, number]]>([
    ['the length', () => [0, 8]],
    ['the header', () => [8, 8 + headerBytes()]],
    ['the recipe and the progress', () => [8, 8 + 2000]],
    ['the parameters', () => region(0, model.layout.parameterCount)],
    ['the running statistics', () => region(model.layout.parameterCount, model.layout.statisticCount)],
    [
      'the momentum',
      () => region(model.layout.parameterCount + model.layout.statisticCount, model.layout.parameterCount),
    ],
    [
      'the best weights',
      () =>
        region(2 * model.layout.parameterCount + model.layout.statisticCount, model.layout.parameterCount),
    ],
  ])('has one bit flipped in %s', async (_what, bounds) => {
    const [begin, end] = bounds();
    const file = fileWith(bytes);
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: begin, max: end - 1 }), fc.nat(7), async (position, bit) => {
        const flipped = Buffer.from(bytes);
        flipped[position]! ^= 1 << bit;
        writeFileSync(file, flipped);
        await rejectionOf('E_CHECKPOINT', readCheckpoint(file));
      }),
      { numRuns: 60 },
    );
  });

  it('has any bytes changed: nothing but E_CHECKPOINT comes of it', async () => {
    const file = fileWith(bytes);
    const changes = fc.array(fc.tuple(fc.nat(8 + headerBytes()), fc.nat(255)), {
      minLength: 1,
      maxLength: 6,
    });
    await fc.assert(
      fc.asyncProperty(changes, async (list) => {
        const changed = Buffer.from(bytes);
        for (const [position, byte] of list) changed[position] = byte;
        writeFileSync(file, changed);
        await readCheckpoint(file).catch((error: unknown) => {
          if (!(error instanceof LockstepError)) throw error;
          expect(error.code).toBe('E_CHECKPOINT');
        });
      }),
      { numRuns: 150 },
    );
  });
});

/** Bytes of `count` floats from the given float on. */
function region(from: number, count: number): readonly [number, number] {
  const dataStart = 8 + headerBytes();
  return [dataStart + 4 * from, dataStart + 4 * (from + count)];
}
