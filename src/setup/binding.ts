/** Compiles the binding against the libraries in its `deps`, with the Node headers of this machine if it has them. */

import { existsSync } from 'node:fs';
import path from 'node:path';
import { LockstepError } from '../foundation/errors.js';
import { noRoom, saysDiskFull } from './diskErrors.js';
import { tellingLine } from './programs.js';
import type { Programs } from './programs.js';

const INSTALL_TOOLS = 'install them (Debian: apt-get install build-essential python3)';
/** The newest Node-API that the package asks for; every Node that Lockstep supports has it. */
const NODE_API = 8;

/** @throws LockstepError E_SETUP if there is no compiler */
export function checkCompiler(programs: Programs): void {
  const { environment } = programs;
  const isThere = (...commands: readonly string[]): boolean =>
    commands.some((command) => programs.works(command, ['--version']));
  const { CXX, MAKE } = environment;
  const missing = [
    ...(isThere(MAKE ?? 'make') ? [] : ['make']),
    ...((CXX === undefined ? isThere('c++', 'g++') : isThere(CXX)) ? [] : ['a C++ compiler']),
  ];
  if (missing.length === 0) return;
  throw new LockstepError(
    'E_SETUP',
    `${missing.join(' and ')} not found, which building the binding needs; ${INSTALL_TOOLS}`,
  );
}

export interface BindingOptions {
  /** More libraries in deps/lib to link the binding with. */
  readonly linkNames: readonly string[];
  readonly say: (line: string) => void;
}

/** @param root of the package */
export async function buildBinding(
  programs: Programs,
  root: string,
  { linkNames, say }: BindingOptions,
): Promise<void> {
  const headers = nodeHeaders(programs.environment);
  say(`building the binding, with Node's headers ${headers ? `in ${headers}` : 'from the network'} …`);
  const [command, args] = nodeGyp(programs.environment);
  const variables = [
    '--module_name=tfjs_binding',
    `--module_path=${path.join(root, 'lib', `napi-v${NODE_API}`)}`,
    `--napi_build_version=${NODE_API}`,
  ];
  const headersOption = headers === undefined ? [] : [`--nodedir=${headers}`];
  const { succeeded, output } = await programs.run(
    command,
    [...args, 'rebuild', ...headersOption, ...variables],
    { cwd: root, environment: { LDFLAGS: linkerFlags(programs.environment, linkNames) } },
  );
  if (succeeded) return;
  if (saysDiskFull(output)) {
    throw noRoom('the disk was full while the binding was built');
  }
  say(output);
  throw new LockstepError(
    'E_SETUP',
    `the binding could not be built: ${tellingLine(output)}; check that a C++17 compiler works: ${INSTALL_TOOLS}`,
  );
}

function linkerFlags(environment: NodeJS.ProcessEnv, names: readonly string[]): string {
  const before = environment['LDFLAGS'] ?? '';
  if (names.length === 0) return before;
  return [before, '-Wl,--no-as-needed', ...names.map((name) => `-l:${name}`)].join(' ').trim();
}

/** The folder above include/node. The binding uses Node-API alone, so the headers of another Node serve as well. */
function nodeHeaders(environment: NodeJS.ProcessEnv): string | undefined {
  const ownPrefix = path.dirname(path.dirname(process.execPath));
  return [ownPrefix, environment['npm_config_nodedir'], '/usr', '/usr/local'].find(
    (prefix) => prefix !== undefined && existsSync(path.join(prefix, 'include', 'node', 'common.gypi')),
  );
}

/** npm's own copy, or the one that npm fetches. */
function nodeGyp(environment: NodeJS.ProcessEnv): readonly [string, readonly string[]] {
  const npmScript = environment['npm_execpath'];
  const npmRoots = [
    ...(npmScript === undefined ? [] : [path.join(path.dirname(npmScript), '..')]),
    path.join(path.dirname(process.execPath), '..', 'lib', 'node_modules', 'npm'),
  ];
  const script = npmRoots
    .map((root) => path.join(root, 'node_modules', 'node-gyp', 'bin', 'node-gyp.js'))
    .find((file) => existsSync(file));
  return script === undefined ? ['npm', ['exec', '--yes', '--', 'node-gyp']] : [process.execPath, [script]];
}
