/**
 * The ten classes of the synthetic set: silhouettes of about equal area, as functions of a point. Each is negative
 * inside and positive outside; near the edge it is about the distance to it, in units of half the shape's size.
 */

import type { ImageFormat } from './imageSet.js';

type Silhouette = (u: number, v: number) => number;

const SILHOUETTES: Readonly<Record<string, Silhouette>> = {
  disc: (u, v) => radius(u, v) - 0.8,
  ring: (u, v) => Math.abs(radius(u, v) - 0.75) - 0.24,
  square: (u, v) => box(u, v, 0.72, 0.72),
  frame: (u, v) => Math.abs(box(u, v, 0.68, 0.68)) - 0.2,
  triangle: (u, v) => Math.max(v, Math.abs(u) * 0.8660254037844386 - v * 0.5) - 0.5,
  cross: (u, v) => Math.min(box(u, v, 0.3, 0.95), box(u, v, 0.95, 0.3)),
  crescent: (u, v) => Math.max(radius(u, v) - 0.95, 0.75 - radius(u - 0.45, v)),
  angle: (u, v) => Math.min(box(u + 0.6, v, 0.28, 0.88), box(u, v - 0.6, 0.88, 0.28)),
  bars: (u, v) => Math.min(box(u + 0.55, v, 0.26, 0.85), box(u - 0.55, v, 0.26, 0.85)),
  chequer: (u, v) => Math.max(box(u, v, 0.9, 0.9), u * v > 0 ? nearestAxis(u, v) : -nearestAxis(u, v)),
};

export const SYNTHETIC_FORMAT: ImageFormat = {
  imageShape: { height: 32, width: 32, channels: 3 },
  classNames: Object.keys(SILHOUETTES),
};

/** By label. */
export const CLASS_SILHOUETTES: readonly Silhouette[] = Object.values(SILHOUETTES);

function radius(u: number, v: number): number {
  return Math.sqrt(u * u + v * v);
}

function box(u: number, v: number, halfWidth: number, halfHeight: number): number {
  return Math.max(Math.abs(u) - halfWidth, Math.abs(v) - halfHeight);
}

function nearestAxis(u: number, v: number): number {
  return Math.min(Math.abs(u), Math.abs(v));
}
