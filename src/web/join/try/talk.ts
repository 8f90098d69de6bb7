/** What the live page and the Worker that classifies images for it say to each other: one answer to each message. */

/** By which compute.js knows what it is. */
export const TRY_NAME = 'lockstep-try';

export type ToTry =
  /** As `api/weights` answers. */
  { readonly kind: 'weights'; readonly frame: ArrayBuffer } | ({ readonly kind: 'picture' } & RawPicture);

/** As a canvas has it. */
export interface RawPicture {
  readonly pixels: Uint8ClampedArray; // (height, width, red green blue alpha)
  readonly height: number;
  readonly width: number;
}

export type FromTry =
  | { readonly kind: 'ready'; readonly checkpoint: 'best' | 'last'; readonly epoch: number }
  | Classified
  | { readonly kind: 'error'; readonly message: string };

export interface Classified {
  readonly kind: 'classified';
  /** The most probable first, five at most. */
  readonly classes: readonly { readonly name: string; readonly probability: number }[];
  /** What the network was given. */
  readonly seen: {
    readonly pixels: Uint8Array; // (height, width, channels)
    readonly height: number;
    readonly width: number;
    readonly channels: number;
  };
  readonly numericsClass: string;
}
