/** Compiles the binding against the libraries in its `deps`, with the headers of Node that are at hand. */

import { existsSync } from 'node:fs';
import path from 'node:path';
import { SetupFailure, WHERE_ELSE } from './failure.mjs';
import { run, tellingLine, works } from './programs.mjs';

const BUILD_TOOLS = 'install them (Debian: apt-get install build-essential python3)';
/** The newest Node-API that the package asks for; every Node that Lockstep runs on has it. */
const NODE_API = 8;

/** @throws SetupFailure E_SETUP if nothing can compile here */
export function checkCompiler() {
  const missing = [
    ['make', process.env.MAKE ?? 'make'],
    ['a C++ compiler', process.env.CXX ?? 'c++'],
  ].filter(
    ([, command]) => !works(command, ['--version']) && !(command === 'c++' && works('g++', ['--version'])),
  );
  if (missing.length === 0) return;
  const names = missing.map(([name]) => name).join(' and ');
  throw new SetupFailure('E_SETUP', `${names} not found, which building the binding needs; ${BUILD_TOOLS}`);
}

/** @param linkNames more libraries in deps/lib that the addon is to bring with it */
export async function buildAddon(root, { linkNames, say }) {
  const headers = nodeHeaders();
  say(
    headers
      ? `building the binding, with Node's headers in ${headers} …`
      : "building the binding, with Node's headers from the network …",
  );
  const [command, args] = nodeGyp();
  const variables = [
    '--module_name=tfjs_binding',
    `--module_path=${path.join(root, 'lib', `napi-v${NODE_API}`)}`,
    `--napi_build_version=${NODE_API}`,
  ];
  const nodedir = headers === undefined ? [] : [`--nodedir=${headers}`];
  const result = await run(command, [...args, 'rebuild', ...nodedir, ...variables], {
    cwd: root,
    env: { ...process.env, LDFLAGS: linkerFlags(linkNames) },
    quiet: true,
  });
  if (result.succeeded) return;
  if (/No space left/.test(result.output)) {
    throw new SetupFailure('E_IO', `the disk was full while the binding was built; ${WHERE_ELSE}`);
  }
  throw new SetupFailure(
    'E_SETUP',
    `the binding could not be built: ${tellingLine(result.output)}; see that a C++17 compiler works: ${BUILD_TOOLS}\n${result.output}`,
  );
}

function linkerFlags(names) {
  const before = process.env.LDFLAGS ?? '';
  if (names.length === 0) return before;
  return [before, '-Wl,--no-as-needed', ...names.map((name) => `-l:${name}`)].join(' ').trim();
}

/** The folder above include/node. The binding uses Node-API alone, so the headers of another Node serve as well. */
function nodeHeaders() {
  const ownPrefix = path.dirname(path.dirname(process.execPath));
  return [ownPrefix, process.env.npm_config_nodedir, '/usr', '/usr/local'].find(
    (prefix) => prefix && existsSync(path.join(prefix, 'include', 'node', 'common.gypi')),
  );
}

/** npm's own copy, else the one that npm fetches. */
function nodeGyp() {
  const npmRoots = [
    process.env.npm_execpath && path.join(path.dirname(process.env.npm_execpath), '..'),
    path.join(path.dirname(process.execPath), '..', 'lib', 'node_modules', 'npm'),
  ];
  const script = npmRoots
    .filter(Boolean)
    .map((root) => path.join(root, 'node_modules', 'node-gyp', 'bin', 'node-gyp.js'))
    .find((file) => existsSync(file));
  return script ? [process.execPath, [script]] : ['npm', ['exec', '--yes', '--', 'node-gyp']];
}
