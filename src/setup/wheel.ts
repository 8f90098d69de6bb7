/** Gets TensorFlow's shared libraries and headers from a Python wheel, which pip downloads. No Python runs in training. */

import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { LockstepError } from '../foundation/errors.js';
import { noRoom, saysDiskFull, writing } from './diskErrors.js';
import { tellingLine } from './programs.js';
import type { Ended, Programs } from './programs.js';

/** The version that was tested. */
export const TENSORFLOW_VERSION = '2.21.0';
/** Asked for where this machine's Python has no wheel: the libraries are the same in the wheel for any Python. */
const ANOTHER_PYTHON = '3.12';
const UNPACK = fileURLToPath(new URL('assets/unpackWheel.py', import.meta.url));
const LIBRARIES = ['tensorflow/libtensorflow_cc.so.2', 'tensorflow/libtensorflow_framework.so.2'];
const HEADERS = ['tensorflow/c/', 'tensorflow/core/platform/', 'tsl/', 'xla/tsl/'].map(
  (folder) => `tensorflow/include/${folder}`,
);
/** TensorFlow opens these by name while it runs. Linked to the binding, they are in the process by then. */
const OPENED_BY_NAME =
  /^lib(cudart|cublas|cublasLt|cufft|curand|cusolver|cusparse|cudnn|nccl|cupti|nvrtc|nvJitLink)\.so\.\d+$/;

export interface Pip {
  readonly python: string;
  readonly command: string;
  readonly args: readonly string[];
}

export function wheelPackage(gpu: boolean): string {
  return gpu || process.arch !== 'x64' ? 'tensorflow' : 'tensorflow-cpu';
}

/** @throws LockstepError E_SETUP if there is no Python 3, or no pip for it */
export function findPip(programs: Programs): Pip {
  const python = ['python3', 'python'].find((name) =>
    programs.works(name, ['-c', 'import sys; sys.exit(sys.version_info < (3, 8))']),
  );
  if (python === undefined) {
    throw new LockstepError(
      'E_SETUP',
      'no Python 3 was found, whose pip fetches TensorFlow; install it (Debian: apt-get install python3 python3-pip)',
    );
  }
  const commands: readonly (readonly [string, readonly string[]])[] = [
    [python, ['-m', 'pip']],
    ['pip3', []],
    ['pip', []],
  ];
  const pip = commands.find(([command, args]) => programs.works(command, [...args, '--version']));
  if (pip === undefined) {
    throw new LockstepError(
      'E_SETUP',
      `${python} has no pip, which fetches TensorFlow; install it (Debian: apt-get install python3-pip)`,
    );
  }
  return { python, command: pip[0], args: pip[1] };
}

export interface WheelOptions {
  /** Folders to fill and to use; both are made. */
  readonly deps: string;
  readonly scratch: string;
  readonly gpu: boolean;
  readonly say: (line: string) => void;
}

/**
 * Fills `deps/lib` and `deps/include` of the binding.
 * @returns the libraries to link to the binding besides TensorFlow's
 */
export async function placeWheel(
  programs: Programs,
  pip: Pip,
  { deps, scratch, gpu, say }: WheelOptions,
): Promise<readonly string[]> {
  const requirement = `${wheelPackage(gpu)}==${TENSORFLOW_VERSION}`;
  const wheel = await download(programs, pip, requirement, path.join(scratch, 'tensorflow'));
  const needed = gpu ? cudaRequirements(programs, pip, wheel) : [];
  say('unpacking …');
  await unpack(programs, pip, { wheel, folder: scratch, prefixes: [...LIBRARIES, ...HEADERS] });
  rmSync(wheel);
  writing(deps, () => moveLibraries(scratch, deps));
  for (const requirement of needed) {
    const cuda = await download(programs, pip, requirement, path.join(scratch, 'cuda'));
    await unpack(programs, pip, { wheel: cuda, folder: deps, prefixes: ['nvidia/'] });
    rmSync(cuda);
  }
  return writing(deps, () => linkCuda(deps));
}

function moveLibraries(scratch: string, deps: string): void {
  const inLib = (name: string): string => path.join(deps, 'lib', name);
  mkdirSync(inLib(''), { recursive: true });
  renameSync(path.join(scratch, 'tensorflow', 'include'), path.join(deps, 'include'));
  for (const file of LIBRARIES) renameSync(path.join(scratch, file), inLib(path.basename(file)));
  symlinkSync('libtensorflow_cc.so.2', inLib('libtensorflow.so'));
  symlinkSync('libtensorflow_framework.so.2', inLib('libtensorflow_framework.so'));
}

/** The CUDA packages that the wheel itself names, without the compiler, which nothing here runs. */
function cudaRequirements(programs: Programs, { python }: Pip, wheel: string): readonly string[] {
  const metadata = programs.output(python, [UNPACK, wheel]) ?? '';
  return [...metadata.matchAll(/^Requires-Dist: (nvidia-[^;]+);.*extra == "and-cuda"/gm)]
    .map(([, requirement]) => requirement!.trim())
    .filter((requirement) => !requirement.startsWith('nvidia-cuda-nvcc'));
}

/** @returns the path of the one file that pip has put into `folder` */
async function download(programs: Programs, pip: Pip, requirement: string, folder: string): Promise<string> {
  writing(folder, () => mkdirSync(folder, { recursive: true }));
  const run = (...options: readonly string[]): Promise<Ended> =>
    programs.run(
      pip.command,
      [
        ...pip.args,
        ...['download', '--no-deps', '--only-binary=:all:', '--dest', folder],
        ...(programs.isTerminal ? [] : ['--progress-bar', 'off']),
        ...options,
        requirement,
      ],
      { showsProgress: true },
    );
  let { succeeded, output } = await run();
  if (!succeeded && output.includes('No matching distribution') && !isNetworkError(output)) {
    ({ succeeded, output } = await run('--python-version', ANOTHER_PYTHON));
  }
  if (!succeeded) throw downloadError(requirement, output);
  const wheel = readdirSync(folder).find((name) => name.endsWith('.whl'));
  if (wheel === undefined) throw downloadError(requirement, 'it printed success, and there is no wheel');
  return path.join(folder, wheel);
}

function isNetworkError(output: string): boolean {
  return /NewConnectionError|ConnectionError|Name or service not known|Temporary failure|timed? ?out|ProxyError|SSLError|Network is unreachable/i.test(
    output,
  );
}

function downloadError(requirement: string, output: string): LockstepError {
  if (saysDiskFull(output)) {
    return noRoom(`the disk was full while ${requirement} was downloaded`);
  }
  const reason = isNetworkError(output)
    ? 'no package index could be reached'
    : `pip said: ${tellingLine(output)}`;
  return new LockstepError(
    'E_SETUP',
    `${requirement} could not be downloaded: ${reason}; check the network and pip's settings (pip config list), ` +
      'or put the wheel into a folder and name that in PIP_FIND_LINKS',
  );
}

interface Unpacking {
  readonly wheel: string;
  readonly folder: string;
  /** Of what is wanted. */
  readonly prefixes: readonly string[];
}

async function unpack(programs: Programs, { python }: Pip, wanted: Unpacking): Promise<void> {
  const { wheel, folder, prefixes } = wanted;
  const { succeeded, output } = await programs.run(python, [UNPACK, wheel, folder, ...prefixes]);
  if (succeeded) return;
  if (saysDiskFull(output) || output.includes('Permission denied')) {
    throw noRoom(`cannot write to ${folder} (${tellingLine(output)})`);
  }
  throw new LockstepError(
    'E_SETUP',
    `${path.basename(wheel)} cannot be unpacked (${tellingLine(output)}); run: pip cache purge, then try again`,
  );
}

/** Puts NVIDIA's libraries into TensorFlow's folder, where they find each other. */
function linkCuda(deps: string): readonly string[] {
  const nvidia = path.join(deps, 'nvidia');
  const names: string[] = [];
  for (const part of entriesOf(nvidia)) {
    for (const name of entriesOf(path.join(nvidia, part, 'lib'))) {
      if (!/\.so(\.\d+)*$/.test(name)) continue;
      symlinkSync(path.join('..', 'nvidia', part, 'lib', name), path.join(deps, 'lib', name));
      if (OPENED_BY_NAME.test(name)) names.push(name);
    }
  }
  return names;
}

function entriesOf(folder: string): readonly string[] {
  return existsSync(folder) ? readdirSync(folder) : [];
}
