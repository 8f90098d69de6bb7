/** Environment variables of schedulers: texts and whole numbers, with errors that name them. */

import { LockstepError } from '../../foundation/errors.js';

export type Environment = Readonly<Record<string, string | undefined>>;

const REMEDY = 'correct or unset it, or give --rank, --world-size and --coordinator';
const HIGHEST_PORT = 65_535;

export function launchError(problem: string, remedy: string = REMEDY): LockstepError {
  return new LockstepError('E_LAUNCH', `${problem}; ${remedy}`);
}

/** A variable that is empty is not set. */
export function textOf(env: Environment, name: string): string | undefined {
  const value = env[name]?.trim();
  return value === '' ? undefined : value;
}

/** The first of the variables that is set. */
export function firstOf(env: Environment, ...names: readonly string[]): string | undefined {
  return names.find((name) => textOf(env, name) !== undefined);
}

/** @throws LockstepError E_LAUNCH if it is set and is no whole number from `min` */
export function integerOf(env: Environment, name: string | undefined, min = 0): number | undefined {
  const value = name === undefined ? undefined : textOf(env, name);
  if (value === undefined) return undefined;
  const number = /^\d{1,9}$/.test(value) ? Number(value) : -1;
  if (number >= min) return number;
  throw launchError(`${name} ${JSON.stringify(value)} must be a whole number from ${min}`);
}

/** @throws LockstepError E_LAUNCH if it is set and is no port */
export function portOf(env: Environment, name: string): number | undefined {
  const port = integerOf(env, name, 1);
  if (port === undefined || port <= HIGHEST_PORT) return port;
  throw launchError(`${name} ${port} must be a port from 1 to ${HIGHEST_PORT}`);
}

/** @throws LockstepError E_LAUNCH unless the rank is below the size */
export function checkRank(
  rank: { readonly name: string; readonly value: number },
  size: { readonly name: string; readonly value: number | undefined },
): void {
  if (size.value === undefined || rank.value < size.value) return;
  throw launchError(`${rank.name} ${rank.value} contradicts ${size.name} ${size.value}: ranks count from 0`);
}
