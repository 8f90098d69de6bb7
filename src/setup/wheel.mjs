/** Gets the shared libraries and headers of TensorFlow out of a Python wheel, which pip downloads. No Python runs them. */

import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { SetupFailure, WHERE_ELSE, writing } from './failure.mjs';
import { output, run, tellingLine, works } from './programs.mjs';

/** The version that was tried. */
export const TENSORFLOW_VERSION = '2.21.0';
/** Not used: a wheel for any Python has the same libraries. Asked for where this machine's Python has no wheel. */
const ANOTHER_PYTHON = '3.12';
const UNPACK = fileURLToPath(new URL('assets/unpackWheel.py', import.meta.url));
const HEADERS = ['tensorflow/c/', 'tensorflow/core/platform/', 'tsl/', 'xla/tsl/'];
/** What TensorFlow opens by name once it runs. Linked to the addon, they are in the process by then. */
const OPENED_BY_NAME =
  /^lib(cudart|cublas|cublasLt|cufft|curand|cusolver|cusparse|cudnn|nccl|cupti|nvrtc|nvJitLink)\.so\.\d+$/;

export function packageName(gpu) {
  return gpu || process.arch !== 'x64' ? 'tensorflow' : 'tensorflow-cpu';
}

/** @throws SetupFailure E_SETUP if there is no Python 3 or no pip for it */
export function findPip() {
  const python = ['python3', 'python'].find((name) =>
    works(name, ['-c', 'import sys; sys.exit(sys.version_info < (3, 8))']),
  );
  if (python === undefined) {
    throw new SetupFailure(
      'E_SETUP',
      'no Python 3 was found, whose pip fetches TensorFlow; install it (Debian: apt-get install python3 python3-pip)',
    );
  }
  const commands = [
    [python, ['-m', 'pip']],
    ['pip3', []],
    ['pip', []],
  ];
  const pip = commands.find(([command, args]) => works(command, [...args, '--version']));
  if (pip === undefined) {
    throw new SetupFailure(
      'E_SETUP',
      `${python} has no pip, which fetches TensorFlow; install it (Debian: apt-get install python3-pip)`,
    );
  }
  return { python, command: pip[0], args: pip[1] };
}

/**
 * Fills `deps/lib` and `deps/include` of the binding.
 * @param target { deps, scratch, gpu, say }: folders to fill and to use; both are made
 * @returns {Promise<{ linkNames: string[] }>} libraries to link to the addon besides TensorFlow's
 */
export async function placeWheel(pip, { deps, scratch, gpu, say }) {
  const wheel = await download(
    pip,
    `${packageName(gpu)}==${TENSORFLOW_VERSION}`,
    path.join(scratch, 'tensorflow'),
  );
  const needed = gpu ? cudaRequirements(pip, wheel) : [];
  say('unpacking …');
  const libraries = [`tensorflow/libtensorflow_cc.so.2`, `tensorflow/libtensorflow_framework.so.2`];
  const headers = HEADERS.map((folder) => `tensorflow/include/${folder}`);
  await unpack(pip, wheel, scratch, [...libraries, ...headers]);
  rmSync(wheel);
  writing(deps, () => {
    mkdirSync(path.join(deps, 'lib'), { recursive: true });
    renameSync(path.join(scratch, 'tensorflow', 'include'), path.join(deps, 'include'));
    for (const file of libraries) {
      renameSync(path.join(scratch, file), path.join(deps, 'lib', path.basename(file)));
    }
    symlinkSync('libtensorflow_cc.so.2', path.join(deps, 'lib', 'libtensorflow.so'));
    symlinkSync('libtensorflow_framework.so.2', path.join(deps, 'lib', 'libtensorflow_framework.so'));
  });
  for (const requirement of needed) {
    const cuda = await download(pip, requirement, path.join(scratch, 'cuda'));
    await unpack(pip, cuda, deps, ['nvidia/']);
    rmSync(cuda);
  }
  return { linkNames: writing(deps, () => linkCuda(deps)) };
}

/** The CUDA packages that the wheel names itself, but for the compiler, which nothing here runs. */
function cudaRequirements({ python }, wheel) {
  const metadata = output(python, [UNPACK, wheel]) ?? '';
  return [...metadata.matchAll(/^Requires-Dist: (nvidia-[^;]+);.*extra == "and-cuda"/gm)]
    .map(([, requirement]) => requirement.trim())
    .filter((requirement) => !requirement.startsWith('nvidia-cuda-nvcc'));
}

/** @returns the path of the one file that pip has put into `folder` */
async function download({ command, args }, requirement, folder) {
  writing(folder, () => mkdirSync(folder, { recursive: true }));
  const common = [...args, 'download', '--no-deps', '--only-binary=:all:', '--dest', folder];
  const quiet = process.stdout.isTTY ? [] : ['--progress-bar', 'off'];
  let result = await run(command, [...common, ...quiet, requirement]);
  if (
    !result.succeeded &&
    /No matching distribution/.test(result.output) &&
    !isNetworkTrouble(result.output)
  ) {
    result = await run(command, [...common, ...quiet, '--python-version', ANOTHER_PYTHON, requirement]);
  }
  if (!result.succeeded) throw downloadFailure(requirement, result.output);
  return path.join(
    folder,
    readdirSync(folder).find((name) => name.endsWith('.whl')),
  );
}

function isNetworkTrouble(text) {
  return /NewConnectionError|ConnectionError|Name or service not known|Temporary failure|timed? ?out|ProxyError|SSLError|Network is unreachable/i.test(
    text,
  );
}

function downloadFailure(requirement, text) {
  if (/No space left|Disk quota/.test(text)) {
    return new SetupFailure('E_IO', `the disk was full while ${requirement} was downloaded; ${WHERE_ELSE}`);
  }
  const reason = isNetworkTrouble(text)
    ? 'no package index could be reached'
    : `pip said: ${tellingLine(text)}`;
  return new SetupFailure(
    'E_SETUP',
    `${requirement} could not be downloaded: ${reason}; check the network and pip's settings (pip config list), ` +
      'or put the wheel into a folder and name that in PIP_FIND_LINKS',
  );
}

async function unpack({ python }, wheel, folder, prefixes) {
  const { succeeded, output: text } = await run(python, [UNPACK, wheel, folder, ...prefixes], {
    quiet: true,
  });
  if (succeeded) return;
  if (/No space left|Disk quota|Permission denied/.test(text)) {
    throw new SetupFailure('E_IO', `cannot write to ${folder} (${tellingLine(text)}); ${WHERE_ELSE}`);
  }
  throw new SetupFailure(
    'E_SETUP',
    `${path.basename(wheel)} cannot be unpacked (${tellingLine(text)}); run: pip cache purge, then try again`,
  );
}

/** One folder in which TensorFlow's and NVIDIA's libraries find each other. */
function linkCuda(deps) {
  const nvidia = path.join(deps, 'nvidia');
  const names = [];
  for (const part of existsSync(nvidia) ? readdirSync(nvidia) : []) {
    const folder = path.join(nvidia, part, 'lib');
    for (const name of existsSync(folder) ? readdirSync(folder) : []) {
      if (!/\.so(\.\d+)*$/.test(name)) continue;
      symlinkSync(path.join('..', 'nvidia', part, 'lib', name), path.join(deps, 'lib', name));
      if (OPENED_BY_NAME.test(name)) names.push(name);
    }
  }
  return names;
}
