/**
 * `npm run setup:tensorflow [-- --gpu] [--force] [--source package|wheel]`: TensorFlow for `--engine tensorflow`, in a
 * folder of its own, `.tensorflow` or LOCKSTEP_TENSORFLOW_DIR, which `npm ci` leaves alone. The binding's own installer
 * is tried first; failing that, the libraries come out of a Python wheel and the binding is compiled here.
 */

import { copyFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { buildAddon, checkCompiler } from './binding.mjs';
import { SetupFailure, writing } from './failure.mjs';
import { checkSpace, moveIntoPlace, openStaging, readRecord, refuseForeignFolder } from './installFolder.mjs';
import { ownInstall, removeOwnInstall } from './packageInstaller.mjs';
import { endAll, run, tellingLine, works } from './programs.mjs';
import { findPip, packageName, placeWheel, TENSORFLOW_VERSION } from './wheel.mjs';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const PACKAGE = path.join('node_modules', '@tensorflow', 'tfjs-node');
const TFJS_MB = { download: 60, disk: 320 }; // measured
/** Measured for the CPU (2.21); for CUDA estimated, generously. */
const WHEEL_MB = {
  cpu: { download: 274, disk: 860, scratch: 400 },
  gpu: { download: 3000, disk: 7000, scratch: 1500 },
};
const USAGE = 'usage: npm run setup:tensorflow [-- [--gpu] [--force] [--source package|wheel]]';

const startedMs = performance.now();
let staging;
for (const [signal, status] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
]) {
  process.on(signal, () => {
    cleanUp();
    process.exit(status);
  });
}
try {
  await setUp(readOptions());
} catch (error) {
  if (!(error instanceof SetupFailure)) throw error;
  process.stderr.write(`lockstep: ${error.message} [${error.code}]\n`);
  process.exitCode = error.code === 'E_OPTION' ? 2 : 1;
} finally {
  cleanUp();
}

async function setUp({ gpu, force, source, target }) {
  if (!force && (await isThereAlready(target, gpu))) return;
  refuseForeignFolder(target);
  if (source === 'wheel') findTools();
  staging = openStaging(target);
  await installPackage();
  const proof = (source === 'wheel' ? undefined : await fromPackage(gpu, source)) ?? (await fromWheel(gpu));
  const { tensorflowVersion, usesGpu, device } = proof;
  moveIntoPlace(staging, target, { tensorflowVersion, cuda: gpu, from: proof.from, node: process.version });
  say(`set up in ${target} in ${Math.round((performance.now() - startedMs) / 1000)} s: ${device}`);
  say(`proven by a step of ResNet-8: ${proofText(proof)}`);
  if (gpu && !usesGpu) say(noGpuText(tensorflowVersion));
  say('use it with --engine tensorflow');
}

/** Whether an earlier set-up has what is asked for, and works. */
async function isThereAlready(target, gpu) {
  const record = readRecord(target);
  if (record === undefined) return false;
  if (gpu && !record.cuda) {
    say(`${target} has TensorFlow ${record.tensorflowVersion} without CUDA: it is replaced`);
    return false;
  }
  const proof = await prove(target);
  if (!proof.proven) {
    say(`${target} does not work any more (${proof.reason}): it is set up anew`);
    return false;
  }
  say(`already set up in ${target}: ${proof.device}; ${proofText(proof)}`);
  if (gpu && !proof.usesGpu) say(noGpuText(proof.tensorflowVersion));
  say('--force sets it up anew');
  return true;
}

/** The binding's JavaScript and sources, to the versions of the lock file; none of its scripts run. */
async function installPackage() {
  checkSpace(staging, TFJS_MB.disk);
  writing(staging, () => {
    for (const name of ['package.json', 'package-lock.json']) {
      copyFileSync(path.join(ROOT, 'src', 'setup', 'assets', name), path.join(staging, name));
    }
  });
  say(
    `fetching @tensorflow/tfjs-node (about ${TFJS_MB.download} MB to download, ${TFJS_MB.disk} MB on disk) …`,
  );
  const [command, args] = npm();
  const install = [...args, 'ci', '--ignore-scripts', '--no-audit', '--no-fund'];
  const { succeeded, output } = await run(command, install, { cwd: staging, quiet: true });
  if (succeeded) return;
  if (/ENOSPC/.test(output)) checkSpace(staging, Infinity);
  throw new SetupFailure(
    'E_SETUP',
    `npm could not install @tensorflow/tfjs-node: ${tellingLine(output)}; check the network and npm's registry (npm config get registry)`,
  );
}

/** @returns the proof, or undefined where it cannot be had so and there is another way */
async function fromPackage(gpu, source) {
  const root = path.join(staging, PACKAGE);
  say("trying the package's own installer …");
  let reason = await ownInstall(root, { gpu, folder: staging });
  if (reason === undefined) {
    const proof = await prove(staging);
    if (proof.proven && (!gpu || proof.usesGpu)) return { ...proof, from: 'package' };
    reason = proof.proven ? 'its TensorFlow sees no GPU' : proof.reason;
    removeOwnInstall(root);
  }
  if (source === 'package') {
    throw new SetupFailure('E_SETUP', `the package's own installer failed: ${reason}; try --source wheel`);
  }
  say(`that failed (${reason}); taking the libraries of a Python wheel instead`);
  return undefined;
}

async function fromWheel(gpu) {
  const pip = findTools();
  const { download, disk, scratch } = WHEEL_MB[gpu ? 'gpu' : 'cpu'];
  checkSpace(staging, disk + scratch);
  say(
    `fetching ${packageName(gpu)} ${TENSORFLOW_VERSION}${gpu ? ' and its CUDA packages' : ''} with pip (about ${download} MB to download, ${disk} MB on disk) …`,
  );
  const root = path.join(staging, PACKAGE);
  const deps = path.join(root, 'deps');
  const scratchFolder = path.join(staging, 'scratch');
  const { linkNames } = await placeWheel(pip, { deps, scratch: scratchFolder, gpu, say });
  await buildAddon(root, { linkNames, say });
  for (const done of [scratchFolder, path.join(root, 'build')]) rmSync(done, { recursive: true });
  const proof = await prove(staging);
  if (!proof.proven) {
    throw new SetupFailure(
      'E_SETUP',
      `TensorFlow was built and does not work: ${proof.reason}; use another --engine`,
    );
  }
  return { ...proof, from: 'wheel' };
}

/**
 * What taking a wheel apart and compiling needs.
 * @returns pip, as wheel.mjs calls it
 */
function findTools() {
  if (process.platform !== 'linux') {
    throw new SetupFailure(
      'E_SETUP',
      `wheels are taken apart on Linux only, and this is ${process.platform}; use another --engine (see \`lockstep engines\`)`,
    );
  }
  const pip = findPip();
  checkCompiler();
  return pip;
}

/** Trains one step with what lies in a folder, in a process of its own. */
async function prove(folder) {
  const script = path.join(ROOT, 'src', 'setup', 'proof.mjs');
  const env = { ...process.env, LOCKSTEP_TENSORFLOW_DIR: folder };
  const { output } = await run(process.execPath, [script], { env, quiet: true });
  const line = output.split('\n').find((candidate) => candidate.startsWith('proof:'));
  if (line === undefined) return { proven: false, reason: tellingLine(output) };
  const proof = JSON.parse(line.slice('proof:'.length));
  return proof.proven ? proof : { ...proof, reason: `a step went wrong: ${proofText(proof)}` };
}

function proofText({ distance, lossBefore, lossAfter }) {
  return `loss ${lossBefore.toFixed(3)} to ${lossAfter.toFixed(3)}, gradients ${distance.toExponential(1)} from those of engine simd`;
}

function noGpuText(version) {
  const driver = works('nvidia-smi', ['-L']) ? 'nvidia-smi finds a driver' : 'nvidia-smi finds no driver';
  return `NOTE: TensorFlow ${version} sees no GPU here (${driver}) and computes on the CPU; see docs/gpu.md`;
}

function readOptions() {
  const options = {
    gpu: { type: 'boolean' },
    force: { type: 'boolean' },
    source: { type: 'string' },
    help: { type: 'boolean' },
  };
  let values;
  try {
    ({ values } = parseArgs({ options }));
  } catch (error) {
    throw new SetupFailure('E_OPTION', `${error.message}; ${USAGE}`);
  }
  const { gpu = false, force = false, source, help } = values;
  if (help) {
    process.stdout.write(`${USAGE}\n`);
    process.exit(0);
  }
  if (source !== undefined && source !== 'package' && source !== 'wheel') {
    throw new SetupFailure('E_OPTION', `--source ${source} must be package or wheel; ${USAGE}`);
  }
  const target = path.resolve(process.env.LOCKSTEP_TENSORFLOW_DIR || path.join(ROOT, '.tensorflow'));
  return { gpu, force, source, target };
}

function npm() {
  const inherited = process.env.npm_execpath;
  return inherited?.endsWith('.js') ? [process.execPath, [inherited]] : ['npm', []];
}

function cleanUp() {
  endAll();
  if (staging) rmSync(staging, { recursive: true, force: true });
}

function say(text) {
  process.stdout.write(`lockstep: ${text}\n`);
}
