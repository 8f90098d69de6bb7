/**
 * How large a network may be. A list of layers may come from a file or from another machine: these limits are checked
 * before anything is allocated for it.
 */

export const NETWORK_LIMITS = {
  /** Characters of a description as JSON. */
  textLength: 2 * 1024 * 1024,
  layers: 5_000,
  /** Labels are bytes. */
  classes: 256,
  /** Height and width of any activation. */
  side: 4_096,
  /** Height and width of a pool's window. */
  window: 8,
  /** Channels of any activation. */
  channels: 16_384,
  /** Of an image. */
  imageChannels: 1_024,
  /** Height x width x channels of an image: 100 images of an evaluation travel in one message. */
  imageElements: 1024 * 1024,
  /** Elements of all activations together, for one image. */
  activationElements: 2 ** 28,
  parameters: 40_000_000,
  /** Running means and variances. */
  statistics: 2 ** 20,
  /** Of a patch that is whitened: the work grows with their cube, and nothing else is done meanwhile. */
  whitenedElements: 256,
  /** Multiplications of a forward pass, for one image. */
  multiplications: 2 ** 40,
} as const;
