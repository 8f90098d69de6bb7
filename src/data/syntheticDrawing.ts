/**
 * Draws one synthetic image. Uses only + - * / and square roots, whose results IEEE 754 defines exactly, so the set
 * has the same bytes on every machine.
 */

import { RandomStream } from '../foundation/random.js';
import type { RandomKey } from '../foundation/random.js';
import { imageByteCount } from './imageSet.js';
import { CLASS_SILHOUETTES, SYNTHETIC_FORMAT } from './syntheticShapes.js';

type Colour = readonly [number, number, number];

const { imageShape } = SYNTHETIC_FORMAT;
const IMAGE_SIDE = imageShape.height; // the shapes are drawn for squares of this side
const IMAGE_BYTE_COUNT = imageByteCount(imageShape);

/** Minimum difference in brightness between shape and background, of 255: visible in spite of the noise. */
const LEAST_CONTRAST = 80;

/** Tangent of half the largest tilt of a shape, 28 degrees. A shape may also be upside down. */
const MOST_TILT = 0.25;

/**
 * Writes (32, 32, 3) bytes to `target`. Independent of the class: position, size, rotation, reflection, colours (the shape
 * may be brighter or darker), a background that fades between two colours, strokes behind and in front of the shape,
 * noise.
 * @param canvas scratch, (32, 32, 3): allocating one per image would take longer than the drawing
 */
export function drawSyntheticImage(
  key: RandomKey,
  label: number,
  canvas: Float64Array,
  target: Uint8Array,
  offset: number,
): void {
  const stream = new RandomStream(key);
  const colours = drawColours(stream);
  paintBackground(canvas, stream, colours.near, colours.far);
  for (let count = 2 + stream.nextBelow(2); count > 0; count--) paintStroke(canvas, stream);
  paintShape(canvas, stream, label, colours.shape);
  paintStroke(canvas, stream);
  writeWithNoise(canvas, stream, target, offset);
}

interface Colours {
  readonly shape: Colour;
  readonly near: Colour;
  readonly far: Colour;
}

function drawColours(stream: RandomStream): Colours {
  for (;;) {
    const shape = drawColour(stream);
    const near = drawColour(stream);
    const far = drawColour(stream);
    const toNear = brightness(shape) - brightness(near);
    const toFar = brightness(shape) - brightness(far);
    const isSameSide = toNear > 0 === toFar > 0;
    if (isSameSide && Math.min(Math.abs(toNear), Math.abs(toFar)) >= LEAST_CONTRAST)
      return { shape, near, far };
  }
}

function drawColour(stream: RandomStream): Colour {
  return [stream.nextBelow(256), stream.nextBelow(256), stream.nextBelow(256)];
}

function brightness([red, green, blue]: Colour): number {
  return (2 * red + 5 * green + blue) / 8;
}

function between(stream: RandomStream, low: number, high: number): number {
  return low + (high - low) * stream.nextUniform();
}

/**
 * Unit vector (cosine, sine) of a random angle or its opposite, by the rational parametrisation of the circle.
 * @param steepest tangent of half the largest angle: 1 for all directions
 */
function drawDirection(stream: RandomStream, steepest: number): readonly [number, number] {
  const t = between(stream, -steepest, steepest);
  const sign = stream.nextBelow(2) === 0 ? 1 : -1;
  return [(sign * (1 - t * t)) / (1 + t * t), (sign * 2 * t) / (1 + t * t)];
}

function paintBackground(canvas: Float64Array, stream: RandomStream, near: Colour, far: Colour): void {
  const [alongX, alongY] = drawDirection(stream, 1);
  const middle = (IMAGE_SIDE - 1) / 2;
  for (let y = 0, at = 0; y < IMAGE_SIDE; y++) {
    for (let x = 0; x < IMAGE_SIDE; x++, at += 3) {
      const share = clamp01(0.5 + ((x - middle) * alongX + (y - middle) * alongY) / IMAGE_SIDE);
      canvas[at] = near[0] + share * (far[0] - near[0]);
      canvas[at + 1] = near[1] + share * (far[1] - near[1]);
      canvas[at + 2] = near[2] + share * (far[2] - near[2]);
    }
  }
}

function paintShape(canvas: Float64Array, stream: RandomStream, label: number, colour: Colour): void {
  const silhouette = CLASS_SILHOUETTES[label]!;
  const halfSize = between(stream, 9, 13);
  const centreX = between(stream, halfSize - 1, IMAGE_SIDE - halfSize);
  const centreY = between(stream, halfSize - 1, IMAGE_SIDE - halfSize);
  const [cosine, sine] = drawDirection(stream, MOST_TILT);
  const reflection = stream.nextBelow(2) === 0 ? 1 : -1;
  for (let y = 0; y < IMAGE_SIDE; y++) {
    for (let x = 0; x < IMAGE_SIDE; x++) {
      const fromX = (x - centreX) / halfSize;
      const fromY = (y - centreY) / halfSize;
      if (fromX * fromX + fromY * fromY > 2) continue;
      const u = (fromX * cosine + fromY * sine) * reflection;
      const v = fromY * cosine - fromX * sine;
      blend(canvas, x, y, colour, 0.5 - silhouette(u, v) * halfSize);
    }
  }
}

/** A short thick line with round ends, in any colour. */
function paintStroke(canvas: Float64Array, stream: RandomStream): void {
  const colour = drawColour(stream);
  const centreX = between(stream, 0, IMAGE_SIDE);
  const centreY = between(stream, 0, IMAGE_SIDE);
  const halfLength = between(stream, 0, 5);
  const thickness = between(stream, 0.5, 1.5);
  const [cosine, sine] = drawDirection(stream, 1);
  const reach = halfLength + thickness + 1;
  const bottom = Math.min(IMAGE_SIDE - 1, Math.floor(centreY + reach));
  const right = Math.min(IMAGE_SIDE - 1, Math.floor(centreX + reach));
  for (let y = Math.max(0, Math.ceil(centreY - reach)); y <= bottom; y++) {
    for (let x = Math.max(0, Math.ceil(centreX - reach)); x <= right; x++) {
      const along = (x - centreX) * cosine + (y - centreY) * sine;
      const across = (y - centreY) * cosine - (x - centreX) * sine;
      const beyondEnd = Math.max(0, Math.abs(along) - halfLength);
      const distance = Math.sqrt(beyondEnd * beyondEnd + across * across) - thickness;
      blend(canvas, x, y, colour, 0.5 - distance);
    }
  }
}

/** Blends a colour into a pixel by the given share (clamped to 0 … 1). */
function blend(canvas: Float64Array, x: number, y: number, colour: Colour, degree: number): void {
  if (degree <= 0) return;
  const share = Math.min(degree, 1);
  const at = (y * IMAGE_SIDE + x) * 3;
  for (let channel = 0; channel < 3; channel++) {
    canvas[at + channel]! += share * (colour[channel]! - canvas[at + channel]!);
  }
}

/** Uniform noise from Marsaglia's xorshift32 (J. Stat. Soft. 8, 2003): Philox would take longer than the rest of the drawing. */
function writeWithNoise(
  canvas: Float64Array,
  stream: RandomStream,
  target: Uint8Array,
  offset: number,
): void {
  const amplitude = between(stream, 6, 30);
  let state = stream.nextUint32() | 1; // xorshift must not start at 0
  for (let at = 0; at < IMAGE_BYTE_COUNT; at++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    const value = canvas[at]! + (amplitude * state) / 0x8000_0000;
    target[offset + at] = value <= 0 ? 0 : value >= 255 ? 255 : Math.floor(value + 0.5);
  }
}

function clamp01(value: number): number {
  return Math.min(1, Math.max(0, value));
}
