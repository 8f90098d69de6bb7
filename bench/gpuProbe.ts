/**
 * The limits of a GPU and of the connection to it, one JSON object per line: arithmetic, memory, the cost of a kernel and of
 * a round trip. The engine's times are compared with them.
 */

import { createRequire } from 'node:module';

interface Dawn {
  create(flags: readonly string[]): GPU;
}

const dawn = (await import(createRequire(import.meta.url).resolve('webgpu'))) as Dawn;
const SPEED = 'disable_robustness,disable_workgroup_init';
const EXPERIMENTAL = `${SPEED},allow_unsafe_apis,vulkan_enable_f16_on_nvidia`;
const WANTED = ['timestamp-query', 'shader-f16', 'subgroups', 'chromium-experimental-subgroup-matrix'];
const instances: GPU[] = []; // each must outlive everything made from it

const report = (probe: string, values: object): void => console.log(JSON.stringify({ probe, ...values }));

async function attempt(probe: string, run: () => Promise<object>): Promise<void> {
  try {
    report(probe, await run());
  } catch (error) {
    report(probe, { error: String(error).slice(0, 500) });
  }
}

async function open(features: string): Promise<{ adapter: GPUAdapter; device: GPUDevice }> {
  const backend = process.argv.includes('--null') ? ['backend=null'] : []; // checks WGSL without computing
  const flags = [
    ...backend,
    `enable-dawn-features=${features}`,
    'disable-dawn-features=timestamp_quantization',
  ];
  const gpu = dawn.create(flags);
  instances.push(gpu);
  const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
  if (adapter === null) throw new Error('no adapter');
  const requiredFeatures = WANTED.filter((name) => adapter.features.has(name)) as GPUFeatureName[];
  const { maxComputeWorkgroupStorageSize, maxStorageBufferBindingSize, maxBufferSize } = adapter.limits;
  const requiredLimits = { maxComputeWorkgroupStorageSize, maxStorageBufferBindingSize, maxBufferSize };
  return { adapter, device: await adapter.requestDevice({ requiredFeatures, requiredLimits }) };
}

interface Kernel {
  readonly code: string;
  readonly buffers: readonly GPUBuffer[];
  readonly workgroups: number;
}

class Runner {
  constructor(readonly device: GPUDevice) {}

  buffer(bytes: number): GPUBuffer {
    return this.device.createBuffer({ size: bytes, usage: 0x80 | 0x04 | 0x08 });
  }

  async pipeline(code: string): Promise<GPUComputePipeline> {
    const module = this.device.createShaderModule({ code });
    return this.device.createComputePipelineAsync({
      layout: 'auto',
      compute: { module, entryPoint: 'main' },
    });
  }

  /** Microseconds on the GPU of one compute pass with `count` dispatches; the minimum of five. */
  async time({ code, buffers, workgroups }: Kernel, count = 1): Promise<number> {
    const pipeline = await this.pipeline(code);
    const bindGroup = this.device.createBindGroup({
      layout: pipeline.getBindGroupLayout(0),
      entries: buffers.map((buffer, binding) => ({ binding, resource: { buffer } })),
    });
    let least = Infinity;
    for (let run = 0; run < 6; run++) {
      const querySet = this.device.createQuerySet({ type: 'timestamp', count: 2 });
      const resolved = this.device.createBuffer({ size: 16, usage: 0x200 | 0x04 });
      const readBack = this.device.createBuffer({ size: 16, usage: 0x01 | 0x08 });
      const encoder = this.device.createCommandEncoder();
      const timestampWrites = { querySet, beginningOfPassWriteIndex: 0, endOfPassWriteIndex: 1 };
      const pass = encoder.beginComputePass({ timestampWrites });
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, bindGroup);
      for (let index = 0; index < count; index++) pass.dispatchWorkgroups(workgroups);
      pass.end();
      encoder.resolveQuerySet(querySet, 0, 2, resolved, 0);
      encoder.copyBufferToBuffer(resolved, 0, readBack, 0, 16);
      this.device.queue.submit([encoder.finish()]);
      await readBack.mapAsync(1);
      const times = new BigUint64Array(readBack.getMappedRange().slice(0));
      readBack.unmap();
      if (run > 0) least = Math.min(least, Number(times[1]! - times[0]!) / 1000);
    }
    return least;
  }
}

const isTiny = process.argv.includes('--tiny');
const WORKGROUPS = isTiny ? 4 : 132 * 16;

/** Independent vector multiply-adds, whose operands change in each iteration. */
async function arithmetic({ device }: Runner, type: 'f32' | 'f16'): Promise<object> {
  const runner = new Runner(device);
  const [turns, sums] = [isTiny ? 4 : 512, 16];
  const names = Array.from({ length: sums }, (_, index) => `s${index}`);
  const code = `${type === 'f16' ? 'enable f16;' : ''}
@group(0) @binding(0) var<storage, read_write> out: array<f32>;
@compute @workgroup_size(256) fn main(@builtin(global_invocation_id) id: vec3u) {
  var x = vec4<${type}>(${type}(out[id.x % 256u]));
  let y = vec4<${type}>(${type}(out[id.x % 128u] + 1.0));
${names.map((name, index) => `  var ${name} = vec4<${type}>(${type}(${index}));`).join('\n')}
  for (var turn = 0u; turn < ${turns}u; turn++) {
${names.map((name) => `    ${name} = ${name} * x + y;`).join('\n')}
    x += y;
  }
  let total = ${names.join(' + ')};
  if (f32(total.x + total.y + total.z + total.w) == 12345.0) { out[0] = 1.0; }
}`;
  const microseconds = await runner.time({ code, buffers: [runner.buffer(4096)], workgroups: WORKGROUPS });
  const operations = 2 * WORKGROUPS * 256 * turns * sums * 4;
  return { microseconds, teraflops: operations / microseconds / 1e6 };
}

async function copy(runner: Runner, megabytes: number): Promise<object> {
  const vectors = (megabytes * 1e6) / 16;
  const workgroups = Math.min(65535, Math.ceil(vectors / 1024));
  const code = `
@group(0) @binding(0) var<storage, read> source: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> to: array<vec4f>;
@compute @workgroup_size(256) fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  for (var part = 0u; part < 4u; part++) {
    let index = group.x * 1024u + part * 256u + thread;
    to[index] = source[index] + vec4f(1.0);
  }
}`;
  const bytes = workgroups * 1024 * 16;
  const microseconds = await runner.time({
    code,
    buffers: [runner.buffer(bytes), runner.buffer(bytes)],
    workgroups,
  });
  return { megabytes, microseconds, terabytesPerSecond: (2 * bytes) / microseconds / 1e6 };
}

/** Kernels that depend on each other, and the time that each adds. */
async function launches(runner: Runner, workgroups: number): Promise<object> {
  const code = `
@group(0) @binding(0) var<storage, read_write> out: array<f32>;
@compute @workgroup_size(256) fn main(@builtin(global_invocation_id) id: vec3u) { out[id.x] += 1.0; }`;
  const buffers = [runner.buffer(workgroups * 256 * 4)];
  const [few, many] = [
    await runner.time({ code, buffers, workgroups }, 10),
    await runner.time({ code, buffers, workgroups }, 210),
  ];
  return { workgroups, microsecondsEach: (many - few) / 200 };
}

/** Half-precision matrix products with float32 sums, from workgroup memory: `tiles` x `tiles` results per subgroup. */
async function matrices(
  runner: Runner,
  size: { m: number; n: number; k: number },
  tiles: number,
): Promise<object> {
  const { m, n, k } = size;
  const turns = isTiny ? 2 : 256;
  const all = Array.from({ length: tiles }, (_, index) => index);
  const code = `enable f16;
enable subgroups;
enable chromium_experimental_subgroup_matrix;
@group(0) @binding(0) var<storage, read_write> out: array<f32>;
var<workgroup> left: array<f16, ${tiles * m * k * 4}>;
var<workgroup> right: array<f16, ${tiles * k * n * 2}>;
@compute @workgroup_size(128) fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32, @builtin(subgroup_id) subgroup: u32) {
  for (var index = thread; index < ${tiles * m * k * 4}u; index += 128u) { left[index] = f16(f32(index % 7u) * 0.01); }
  for (var index = thread; index < ${tiles * k * n * 2}u; index += 128u) { right[index] = f16(f32(index % 5u) * 0.01); }
  workgroupBarrier();
${all.flatMap((i) => all.map((j) => `  var s${i}_${j} = subgroup_matrix_result<f32, ${n}, ${m}>();`)).join('\n')}
  for (var turn = 0u; turn < ${turns}u; turn++) {
    let first = (turn & 1u);
${all.map((i) => `    let l${i} = subgroupMatrixLoad<subgroup_matrix_left<f16, ${k}, ${m}>, row_major>(&left, (first * 2u + ${i}u) * ${m * k}u, ${k}u);`).join('\n')}
${all.map((j) => `    let r${j} = subgroupMatrixLoad<subgroup_matrix_right<f16, ${n}, ${k}>, row_major>(&right, (first + ${j}u) * ${k * n}u, ${n}u);`).join('\n')}
${all.flatMap((i) => all.map((j) => `    s${i}_${j} = subgroupMatrixMultiplyAccumulate(l${i}, r${j}, s${i}_${j});`)).join('\n')}
  }
${all.flatMap((i) => all.map((j) => `  subgroupMatrixStore<row_major>(&out, subgroup * ${m * n}u, s${i}_${j}, ${n}u);`)).join('\n')}
}`;
  const workgroups = isTiny ? 4 : 132 * 12;
  const microseconds = await runner.time({ code, buffers: [runner.buffer(1 << 20)], workgroups });
  const operations = 2 * workgroups * 4 * turns * tiles * tiles * m * n * k;
  return { m, n, k, tiles, microseconds, teraflops: operations / microseconds / 1e6 };
}

/** Costs on the host: commands, a round trip, upload and download. Milliseconds, medians. */
async function host(runner: Runner, commands: number): Promise<object> {
  const { device } = runner;
  const code = `
@group(0) @binding(0) var<storage, read_write> out: array<f32>;
@compute @workgroup_size(64) fn main(@builtin(local_invocation_index) thread: u32) { out[thread] += 1.0; }`;
  const pipeline = await runner.pipeline(code);
  const target = runner.buffer(8 << 20);
  const layout = pipeline.getBindGroupLayout(0);
  const bindGroup = device.createBindGroup({
    layout,
    entries: [{ binding: 0, resource: { buffer: target } }],
  });
  const readBack = device.createBuffer({ size: 1 << 20, usage: 0x01 | 0x08 });
  const data = new Float32Array(1 << 21);
  const times: Record<string, number[]> = { write8MB: [], encode: [], submit: [], wait: [], read1MB: [] };
  const lap = (name: string, from: number): number => {
    const now = performance.now();
    times[name]!.push(now - from);
    return now;
  };
  for (let run = 0; run < 15; run++) {
    let at = performance.now();
    device.queue.writeBuffer(target, 0, data);
    at = lap('write8MB', at);
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    for (let index = 0; index < commands; index++) {
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, bindGroup);
      pass.dispatchWorkgroups(1);
    }
    pass.end();
    encoder.copyBufferToBuffer(target, 0, readBack, 0, 1 << 20);
    const finished = encoder.finish();
    at = lap('encode', at);
    device.queue.submit([finished]);
    at = lap('submit', at);
    await readBack.mapAsync(1);
    at = lap('wait', at);
    new Float32Array(readBack.getMappedRange().slice(0));
    readBack.unmap();
    lap('read1MB', at);
  }
  const median = (values: number[]): number => values.sort((a, b) => a - b)[values.length >> 1]!;
  return {
    commands,
    ...Object.fromEntries(Object.entries(times).map(([name, values]) => [name, median(values)])),
  };
}

async function adapterOf(features: string): Promise<object> {
  const { adapter, device } = await open(features);
  const info = adapter.info as GPUAdapterInfo & { subgroupMatrixConfigs?: Iterable<Record<string, unknown>> };
  const { vendor, architecture, description, subgroupMinSize, subgroupMaxSize } = info;
  const matrixConfigs = [...(info.subgroupMatrixConfigs ?? [])].map((config) => ({
    ...Object.fromEntries(
      ['componentType', 'resultComponentType', 'M', 'N', 'K'].map((name) => [name, config[name]]),
    ),
  }));
  const limits = Object.fromEntries(
    [
      'maxComputeWorkgroupStorageSize',
      'maxComputeInvocationsPerWorkgroup',
      'maxStorageBufferBindingSize',
      'maxStorageBuffersPerShaderStage',
    ].map((name) => [name, adapter.limits[name as keyof GPUSupportedLimits]]),
  );
  const answer = {
    ...{ flags: features, vendor, architecture, description, subgroupMinSize, subgroupMaxSize },
    ...{ features: [...adapter.features], matrixConfigs, limits },
  };
  device.destroy();
  return answer;
}

await attempt('adapter', () => adapterOf(SPEED));
await attempt('adapter with experimental features', () => adapterOf(EXPERIMENTAL));
const { device } = await open(EXPERIMENTAL);
const runner = new Runner(device);
device.addEventListener('uncapturederror', (event) =>
  report('error', { error: event.error.message.slice(0, 600) }),
);
await attempt('float32 arithmetic', () => arithmetic(runner, 'f32'));
await attempt('float16 arithmetic', () => arithmetic(runner, 'f16'));
for (const megabytes of isTiny ? [1] : [8, 32, 1000]) await attempt('copy', () => copy(runner, megabytes));
for (const workgroups of [1, 64, 1024])
  await attempt('dependent kernels', () => launches(runner, workgroups));
await attempt('host', () => host(runner, 130));
await attempt('host', () => host(runner, 1));
for (const size of [
  { m: 16, n: 16, k: 16 },
  { m: 16, n: 8, k: 16 },
]) {
  for (const tiles of [1, 2, 4])
    await attempt('half-precision matrices', () => matrices(runner, size, tiles));
}
await attempt('host without validation', async () => {
  const { device: unchecked } = await open(`${EXPERIMENTAL},skip_validation`);
  return host(new Runner(unchecked), 130);
});
process.exit(0);
