/**
 * Sets up TensorFlow for `--engine tensorflow`, in a folder of its own. The binding's own installer is tried first.
 * If that fails, the libraries are taken from a Python wheel, and the binding is compiled here. Only a set-up that has
 * trained a step replaces what was there before.
 */

import { rmSync } from 'node:fs';
import path from 'node:path';
import { commandLine } from '../foundation/commandLine.js';
import { LockstepError } from '../foundation/errors.js';
import { OptionError, use } from '../foundation/options/optionError.js';
import { buildBinding, checkCompiler } from './binding.js';
import {
  checkSpace,
  closeStaging,
  moveIntoPlace,
  openStaging,
  readRecord,
  refuseForeignFolder,
} from './installFolder.js';
import { removeInstalled, runPackageInstaller } from './packageInstaller.js';
import { Programs } from './programs.js';
import type { ProgramsOptions } from './programs.js';
import { proofText, prove } from './proof.js';
import type { Proof, ProofOutcome } from './proof.js';
import { installTfjsNode, TFJS_NODE, TFJS_NODE_MB } from './tfjsNode.js';
import { findPip, placeWheel, TENSORFLOW_VERSION, wheelPackage } from './wheel.js';
import type { Pip } from './wheel.js';

/** For the CPU measured (2.21); for CUDA a generous estimate. */
const WHEEL_MB = {
  cpu: { download: 274, disk: 860, scratch: 400 },
  gpu: { download: 3000, disk: 7000, scratch: 1500 },
} as const;

export type TensorflowSource = 'package' | 'wheel';

export interface TensorflowSetup extends ProgramsOptions {
  readonly gpu: boolean;
  /** Set up again even if it works already. */
  readonly force: boolean;
  /** Without it the package's own installer is tried, then a wheel. */
  readonly source?: TensorflowSource | undefined;
  /** Filled by this set-up; missing, empty or of an earlier set-up before. */
  readonly folder: string;
  readonly say: (line: string) => void;
}

/** @throws LockstepError E_SETUP, E_IO, E_OPTION; the folder is then as it was */
export async function setUpTensorflow(options: TensorflowSetup): Promise<void> {
  await new Setup(options).run();
}

class Setup {
  private readonly programs: Programs;
  private readonly startedMs = performance.now();
  private readonly say: TensorflowSetup['say'];

  constructor(private readonly options: TensorflowSetup) {
    this.programs = new Programs(options);
    this.say = options.say;
  }

  async run(): Promise<void> {
    const { force, folder, source } = this.options;
    if (!force && (await this.isDone())) return;
    refuseForeignFolder(folder);
    if (source === 'wheel') this.findTools();
    const staging = openStaging(folder);
    try {
      await this.fill(staging.folder);
    } finally {
      closeStaging(staging);
    }
  }

  /** Whether an earlier set-up has what is asked for, and works. */
  private async isDone(): Promise<boolean> {
    const { folder, gpu } = this.options;
    const record = readRecord(folder);
    if (record === undefined) return false;
    if (gpu && !record.cuda) {
      this.say(`${folder} has TensorFlow ${record.tensorflowVersion} without CUDA: it is replaced`);
      return false;
    }
    const outcome = await this.prove(folder);
    if (!outcome.works) {
      this.say(`${folder} no longer works (${outcome.reason}): it is replaced`);
      return false;
    }
    const { proof } = outcome;
    this.say(`already set up in ${folder}: ${proof.device}; ${proofText(proof)}`);
    if (gpu && !proof.usesGpu) this.say(this.noGpuText(proof.tensorflowVersion));
    this.say(`to set it up again: ${commandLine('setup', 'tensorflow', { force: true })}`);
    return true;
  }

  private async fill(staging: string): Promise<void> {
    const { gpu, folder, source } = this.options;
    checkSpace(staging, TFJS_NODE_MB.disk);
    this.say(`fetching @tensorflow/tfjs-node (${sizeText(TFJS_NODE_MB)}) …`);
    await installTfjsNode(this.programs, staging);
    const packaged = source === 'wheel' ? undefined : await this.fromPackage(staging);
    const proof = packaged ?? (await this.fromWheel(staging));
    const from = packaged === undefined ? 'wheel' : 'package';
    const { tensorflowVersion, usesGpu, device } = proof;
    moveIntoPlace(staging, folder, { tensorflowVersion, cuda: gpu, from, node: process.version });
    const seconds = Math.round((performance.now() - this.startedMs) / 1000);
    this.say(`set up in ${folder} in ${seconds} s: ${device}`);
    this.say(`tested with a step of ResNet-8: ${proofText(proof)}`);
    if (gpu && !usesGpu) this.say(this.noGpuText(tensorflowVersion));
  }

  /** @returns undefined if it fails and a wheel may be tried */
  private async fromPackage(staging: string): Promise<Proof | undefined> {
    const { gpu, source } = this.options;
    const root = path.join(staging, TFJS_NODE);
    this.say("trying the package's own installer …");
    let reason = await runPackageInstaller(this.programs, root, { gpu, folder: staging });
    if (reason === undefined) {
      const outcome = await this.prove(staging);
      if (outcome.works && (!gpu || outcome.proof.usesGpu)) return outcome.proof;
      reason = outcome.works ? 'its TensorFlow sees no GPU' : outcome.reason;
      removeInstalled(root);
    }
    if (source === 'package') {
      throw new OptionError(
        [`the package's own installer failed: ${reason}`],
        [use('source', 'wheel')],
        'E_SETUP',
      );
    }
    this.say(`that failed (${reason}); taking the libraries from a Python wheel instead`);
    return undefined;
  }

  private async fromWheel(staging: string): Promise<Proof> {
    const { gpu } = this.options;
    const { programs, say } = this;
    const pip = this.findTools();
    const size = WHEEL_MB[gpu ? 'gpu' : 'cpu'];
    checkSpace(staging, size.disk + size.scratch);
    const what = `${wheelPackage(gpu)} ${TENSORFLOW_VERSION}${gpu ? ' and its CUDA packages' : ''}`;
    say(`fetching ${what} with pip (${sizeText(size)}) …`);
    const root = path.join(staging, TFJS_NODE);
    const scratch = path.join(staging, 'scratch');
    const linkNames = await placeWheel(programs, pip, { deps: path.join(root, 'deps'), scratch, gpu, say });
    await buildBinding(programs, root, { linkNames, say });
    for (const done of [scratch, path.join(root, 'build')]) rmSync(done, { recursive: true });
    const outcome = await this.prove(staging);
    if (outcome.works) return outcome.proof;
    throw new LockstepError(
      'E_SETUP',
      `TensorFlow was built and does not work: ${outcome.reason}; use another engine`,
    );
  }

  /** What a wheel and the compilation need. */
  private findTools(): Pip {
    if (process.platform !== 'linux') {
      throw new LockstepError(
        'E_SETUP',
        `TensorFlow's wheels can be used on Linux only, and this is ${process.platform}; use another engine`,
      );
    }
    const pip = findPip(this.programs);
    checkCompiler(this.programs);
    return pip;
  }

  private prove(folder: string): Promise<ProofOutcome> {
    const { environment, signal } = this.options;
    return prove({ folder, environment, signal });
  }

  private noGpuText(version: string): string {
    const finds = this.programs.works('nvidia-smi', ['-L']) ? 'a driver' : 'no driver';
    return `NOTE: TensorFlow ${version} sees no GPU here (nvidia-smi finds ${finds}) and computes on the CPU; see docs/gpu.md`;
  }
}

function sizeText({ download, disk }: { readonly download: number; readonly disk: number }): string {
  return `about ${download} MB to download, ${disk} MB on disk`;
}
