/**
 * Errors that a user can act on. Lockstep throws a `LockstepError` on purpose: its message names the value, the rule and
 * the remedy, and its code is stable and documented in docs/errors.md. The command line prints
 * `message` and `code` without a stack trace; the exit status follows from the code.
 */

/** Stable identifiers of every deliberate failure. Each is explained in docs/errors.md. */
export type ErrorCode =
  | 'E_OPTION' // an option or config value is malformed, unknown or contradicts another
  | 'E_MODEL' // a description of a network is malformed, too large, or does not fit the data
  | 'E_DATA_MISSING' // a data file or folder does not exist
  | 'E_DATA_CORRUPT' // a data file has a wrong size, label, checksum or format
  | 'E_DATA_DOWNLOAD' // the archive could not be downloaded
  | 'E_STOPPED' // a run was stopped before it had anything to save
  | 'E_ENGINE_UNAVAILABLE' // the engine asked for cannot run on this machine
  | 'E_SETUP' // an optional engine could not be set up: a tool is missing, or a download failed
  | 'E_ENGINE_FAILED' // the engine started and then failed
  | 'E_RESOURCES' // the system allows this process too little address space, or too few threads
  | 'E_RUN_EXISTS' // the run folder already holds a run
  | 'E_RUN_COMPLETE' // the run to resume has already ended
  | 'E_CHECKPOINT' // a checkpoint is missing, damaged or of another model
  | 'E_DIVERGED' // the loss or a gradient is not finite
  | 'E_NO_WORKERS' // no worker attached in time
  | 'E_LAUNCH' // the environment does not say which process of a job this one is
  | 'E_LISTEN' // the coordinator cannot, or must not, listen at the address
  | 'E_REFUSED' // the other side refused the connection: token, version, protocol
  | 'E_PROTOCOL' // a frame is not valid in the protocol
  | 'E_LIMIT' // a node sent more, or left more unread, than it may
  | 'E_CONNECTION' // the coordinator cannot be reached
  | 'E_IO' // a file could not be read or written: disk full, permission
  | 'E_INTERNAL'; // an invariant does not hold: a bug in Lockstep

export class LockstepError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'LockstepError';
    this.code = code;
  }
}

/** The text of anything that was thrown, for a log line or for the cause in a message. */
export function describeError(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** For conditions that only a bug in Lockstep can break. @throws LockstepError E_INTERNAL unless it holds */
export function invariant(condition: unknown, message: string): asserts condition {
  if (!condition) throw new LockstepError('E_INTERNAL', `internal error: ${message}; please report it`);
}
