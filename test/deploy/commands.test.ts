/** Every line of deploy/ that runs Lockstep: its command and its options exist, with values that they accept. */

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { buildProgram } from '../../src/cli/main.js';
import { temporaryFolder } from '../support/temporaryFolder.js';
import { deployed, kubernetesManifests, readYaml } from './manifests.js';

const REPOSITORY = fileURLToPath(new URL('../../', import.meta.url));
const SLURM = ['cpu.sbatch', 'gpu.sbatch', 'array.sbatch'];
const UNITS = ['lockstep-coordinator.service', 'lockstep-worker.service'];

interface Compose {
  readonly services: Readonly<Record<string, { readonly command: readonly string[] }>>;
}

const compose = readYaml('compose', 'compose.yaml') as Compose;

/** What follows `lockstep` in a script or a unit, with its continuation lines. */
function lineIn(text: string): readonly string[] {
  const [, line] =
    /(?:^|[\s/])lockstep ((?:coordinator|worker|launch|train)\b(?:.*\\\n)*.*)/m.exec(text) ?? [];
  if (line === undefined) throw new Error('no line runs lockstep');
  return line.replace(/\\\n/g, ' ').replace(/["']/g, '').trim().split(/\s+/);
}

const LINES: readonly (readonly [string, readonly string[]])[] = [
  ...Object.entries(compose.services).map(([name, { command }]) => [`compose ${name}`, command] as const),
  ...kubernetesManifests().flatMap(([file, { spec }]) => {
    const template = spec?.['template'] as { spec: { containers: { args: string[] }[] } } | undefined;
    return template ? [[file, template.spec.containers[0]!.args] as const] : [];
  }),
  ...SLURM.map((name) => [name, lineIn(deployed('slurm', name))] as const),
  ['mpirun.sh', lineIn(deployed('mpi', 'mpirun.sh'))],
  ...UNITS.map((name) => [name, lineIn(deployed('systemd', name))] as const),
];

describe('the lines of deploy/', () => {
  it.each(LINES)('%s', (_, words) => {
    const program = buildProgram();
    const command = program.commands.find((each) => each.name() === words[0])!;
    // What a shell or systemd puts in is a number somewhere.
    const filled = words.slice(1).map((word) => word.replace(/\$\{?\w+\}?/g, '1'));
    const { unknown } = command.exitOverride().parseOptions(filled);
    expect(unknown).toEqual([]);
    expect(command.opts()).toMatchObject(words[0] === 'worker' ? {} : { resume: 'auto' });
  });
});

const composeProgram = [['docker', 'compose'], ['docker-compose']].find(
  ([program, ...words]) => spawnSync(program!, [...words, 'version']).status === 0,
);
if (!composeProgram)
  console.warn('SKIPPED: no Compose reads deploy/compose: none is installed (bash scripts/setup-compose.sh)');

describe.skipIf(!composeProgram)('deploy/compose', () => {
  const read = (text: string): { readonly status: number | null; readonly output: string } => {
    const folder = temporaryFolder();
    const file = path.join(folder, 'compose.yaml');
    writeFileSync(file, text);
    const [program, ...words] = composeProgram!;
    const { status, stdout, stderr } = spawnSync(program!, [...words, '-f', file, 'config'], {
      encoding: 'utf8',
    });
    return { status, output: stdout + stderr };
  };

  it('is one that Compose itself takes, with what it merges', () => {
    const { status, output } = read(deployed('compose', 'compose.yaml'));
    expect(status, output).toBe(0);
    const { services } = parse(output) as {
      services: Record<string, { read_only?: boolean; secrets?: unknown }>;
    };
    expect(Object.keys(services).sort()).toEqual(['coordinator', 'worker']);
    for (const service of Object.values(services)) expect(service).toMatchObject({ read_only: true });
  });

  it('the check finds a key that is misspelt', () => {
    const { status, output } = read(deployed('compose', 'compose.yaml').replace('restart:', 'restarts:'));
    expect(status).not.toBe(0);
    expect(output).toContain('restarts');
  });
});

describe('deploy/docker', () => {
  it('copies what there is, and the build context has it', () => {
    const copied = [...deployed('docker', 'Dockerfile').matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(
      ([, names]) => names!.split(' '),
    );
    const allowed = deployed('docker', 'Dockerfile.dockerignore')
      .match(/^!.+$/gm)!
      .map((line) => line.slice(1));
    expect(copied.length).toBeGreaterThan(6);
    for (const name of copied) {
      expect(existsSync(path.join(REPOSITORY, name)), name).toBe(true);
      expect(allowed).toContain(name);
    }
    expect([...new Set(copied)].sort()).toEqual([...allowed].sort());
  });
});

const hasAnalyze = spawnSync('systemd-analyze', ['--version']).status === 0;
if (!hasAnalyze) console.warn('SKIPPED: the units of systemd are not verified: there is no systemd-analyze');

describe.skipIf(!hasAnalyze)('deploy/systemd', () => {
  it.each(UNITS)('%s is one that systemd takes', (name) => {
    const folder = path.join(temporaryFolder(), 'units');
    mkdirSync(folder);
    const file = path.join(folder, name);
    const program = path.join(REPOSITORY, 'bin', 'lockstep'); // verify wants one that is there
    const verify = (text: string): string => {
      writeFileSync(file, text.replaceAll('/usr/local/bin/lockstep', program));
      const { stdout, stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', file], {
        encoding: 'utf8',
      });
      return (stdout + stderr)
        .split('\n')
        .filter((line) => line.includes(name))
        .join('\n');
    };
    const unit = readFileSync(path.join(REPOSITORY, 'deploy', 'systemd', name), 'utf8');
    expect(verify(unit)).toBe('');
    expect(verify(unit.replace('LoadCredential=', 'LoadCredentials='))).toContain('LoadCredentials');
  });
});
