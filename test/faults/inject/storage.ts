/** Faults of the disk that the run folder lies on. They need a file system of their own, so root, and Linux. */

import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, statfsSync } from 'node:fs';
import { lastIsSaved, standingStillAt, stepIsDone } from '../../integration/support/standStill.js';
import type { Fault } from '../faults.js';
import type { Scene } from '../scene.js';
import type { PrintedEvent } from '../support/lockstepProcess.js';
import { STEPS } from '../training.js';

/** How the notice says it. */
const NOT_SAVED = 'IS NOT SAVED';

type Of<Kind extends Fault['kind']> = Extract<Fault, { kind: Kind }>;

/** @returns why file systems cannot be mounted here; undefined if they can */
export function whyNoMounts(folder: string): string | undefined {
  if (process.platform !== 'linux') return 'it needs Linux';
  try {
    mount(folder, ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs']);
    unmount(folder);
    return undefined;
  } catch {
    return 'mounting a file system is not allowed here: run it as root';
  }
}

/** The disk has exactly as much room as is used, until a checkpoint could not be saved; the run goes on all the same. */
export async function fillDisk(scene: Scene): Promise<void> {
  const disk = scene.root;
  mount(disk, ['-t', 'tmpfs', '-o', 'size=64m', 'tmpfs']);
  scene.onClose(() => unmount(disk));
  // Full while nothing is being written: a file that is complete, and then takes an old one's place, would leave room.
  const full = lastIsSaved(scene.drawStep(5, STEPS - 10), STEPS);
  await scene.begin(standingStillAt(full, new RegExp(NOT_SAVED)));
  await scene.coordinator.standsStill();
  const { blocks, bfree, bsize } = statfsSync(disk);
  mount(disk, ['-o', `remount,size=${(blocks - bfree) * bsize}`]);
  scene.coordinator.kill('SIGCONT');
  await scene.coordinator.standsStill();
  mount(disk, ['-o', 'remount,size=64m']);
  scene.coordinator.kill('SIGCONT');
  // It stood still at the line for metrics.jsonl; the terminal is told later.
  await scene.coordinator.until('a checkpoint cannot be saved', isNotSaved);
  await scene.ended();
}

export async function makeReadOnly(scene: Scene, { when }: Of<'read-only-folder'>): Promise<void> {
  if (when === 'from-the-start') {
    bindReadOnly(scene.root);
    scene.onClose(() => unmountIfMounted(scene.root));
    await scene.begin();
    await expectIoError(scene);
    unmount(scene.root);
    if (existsSync(scene.runDir)) throw new Error('a folder was made on a read-only disk');
    await scene.startCoordinator();
    return;
  }
  await scene.begin(standingStillAt(stepIsDone(scene.drawStep(5, STEPS - 10))));
  await scene.coordinator.standsStill();
  bindReadOnly(scene.runDir);
  scene.onClose(() => unmountIfMounted(scene.runDir));
  scene.coordinator.kill('SIGCONT');
  await scene.coordinator.until('a checkpoint cannot be saved', isNotSaved);
  await expectIoError(scene);
  unmount(scene.runDir);
  await scene.resume();
}

function isNotSaved(event: PrintedEvent): boolean {
  return event.event === 'notice' && event.message.includes(NOT_SAVED);
}

async function expectIoError(scene: Scene): Promise<void> {
  const { exitCode, stdout, stderr } = await scene.ended();
  if (exitCode !== 1 || !(stdout + stderr).includes('E_IO') || /\n\s+at /.test(stderr)) {
    throw new Error(
      `not the end that a full or read-only disk should bring: ${exitCode}\n${stdout.slice(-500)}\n${stderr}`,
    );
  }
}

function bindReadOnly(folder: string): void {
  mkdirSync(folder, { recursive: true });
  mount(folder, ['--bind', folder]);
  mount(folder, ['-o', 'remount,bind,ro']);
}

function mount(folder: string, options: readonly string[]): void {
  execFileSync('mount', [...options, folder], { stdio: 'pipe' });
}

function unmount(folder: string): void {
  execFileSync('umount', ['--lazy', folder], { stdio: 'pipe' });
}

function unmountIfMounted(folder: string): void {
  try {
    unmount(folder);
  } catch {
    // It was not.
  }
}
