/** Why a file is not used as a picture. */

export const PICTURE_FAULTS = ['empty', 'unreadable', 'truncated', 'animated', 'huge'] as const;
export type PictureFault = (typeof PICTURE_FAULTS)[number];

/** The message says what is wrong, to follow the file's name: `has 0 bytes`. */
export class PictureError extends Error {
  constructor(
    readonly fault: PictureFault,
    problem: string,
    options?: ErrorOptions,
  ) {
    super(problem, options);
    this.name = 'PictureError';
  }
}
