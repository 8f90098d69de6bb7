/** Why a file is not used as a picture. */

export const PICTURE_FAULTS = ['empty', 'unreadable', 'truncated', 'animated', 'huge', 'link'] as const;
export type PictureFault = (typeof PICTURE_FAULTS)[number];

/** The message says what is wrong, to follow the file's name: `is empty`. */
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

/** A file that is not used. */
export interface BadPicture {
  /** With `/` between folders, from the folder that was named. */
  readonly path: string;
  readonly fault: PictureFault;
  readonly problem: string;
}
