/**
 * Errors that a user can act on. Everything thrown on purpose in Lockstep is a `LockstepError`: its message names the
 * value, the rule and the remedy, and its code is stable and documented in docs/errors.md. The command line prints
 * `message` and `code` without a stack trace; the exit status follows from the code.
 */

/** Stable identifiers of every deliberate failure. Each is explained in docs/errors.md. */
export type ErrorCode =
  | 'E_OPTION' // an option or config value is malformed, unknown or contradicts another
  | 'E_DATA_MISSING' // a data file or folder is not there
  | 'E_DATA_CORRUPT' // a data file is there and wrong: size, label, checksum, format
  | 'E_DATA_DOWNLOAD' // the archive could not be fetched
  | 'E_STOPPED' // a run was asked to stop before it had anything to save
  | 'E_ENGINE_UNAVAILABLE' // the engine asked for cannot run on this machine
  | 'E_SETUP' // a script that sets up an optional engine misses something, or could not fetch it
  | 'E_ENGINE_FAILED' // the engine started and then failed
  | 'E_RESOURCES' // the system allows this process too little address space, or too few threads
  | 'E_RUN_EXISTS' // the run folder holds a run already
  | 'E_RUN_COMPLETE' // the run to be resumed has ended already
  | 'E_CHECKPOINT' // a checkpoint is missing, damaged or of another model
  | 'E_DIVERGED' // the loss or a gradient is no longer finite
  | 'E_NO_WORKERS' // no worker is attached and none came in time
  | 'E_LISTEN' // the coordinator cannot or must not listen there
  | 'E_REFUSED' // the other side refused this one: token, version, protocol
  | 'E_PROTOCOL' // a frame that does not fit the protocol
  | 'E_LIMIT' // a node went beyond what a node may send or leave unread
  | 'E_CONNECTION' // the coordinator cannot be reached
  | 'E_IO' // a file could not be read or written: disk full, permission
  | 'E_INTERNAL'; // an invariant of Lockstep itself does not hold

export class LockstepError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'LockstepError';
    this.code = code;
  }
}

/** The text of anything thrown, for a line of log or the cause in a message. */
export function describeError(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Throws `E_INTERNAL` unless the invariant holds; for conditions that only a bug in Lockstep can break. */
export function invariant(condition: unknown, message: string): asserts condition {
  if (!condition) throw new LockstepError('E_INTERNAL', `internal error: ${message}; please report it`);
}
