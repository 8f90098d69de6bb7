/**
 * What TensorFlow's library reads from the environment when it is loaded. Threads have a copy of the environment that no
 * library sees, so these must be set in the process before it starts any thread. The command line does so; a program
 * that uses Lockstep as a library does it itself. Values that the user has set stay.
 */
export const TENSORFLOW_ENVIRONMENT: Readonly<Record<string, string>> = {
  TF_CPP_MIN_LOG_LEVEL: '2', // warnings about what the library was not built for help nobody here
  TF_FORCE_GPU_ALLOW_GROWTH: 'true', // else one process takes all of a GPU's memory
  TF_DETERMINISTIC_OPS: '1', // kernels that add in one order, also where others are faster
  TF_CUDNN_DETERMINISTIC: '1',
  NVIDIA_TF32_OVERRIDE: '0', // from Ampere on TensorFlow rounds a convolution's inputs to 10 bits, unless told not to
};

/** Names of the variables that nobody has set. */
export function missingEnvironment(): readonly string[] {
  // eslint-disable-next-line no-restricted-properties -- TensorFlow reads these, not Lockstep
  return Object.keys(TENSORFLOW_ENVIRONMENT).filter((name) => process.env[name] === undefined);
}
