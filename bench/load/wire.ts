/** The messages between the main process and the processes of simulated nodes. */

export type NodesCommand =
  { readonly kind: 'attach'; readonly url: string; readonly count: number } | { readonly kind: 'count' };

export interface Traffic {
  readonly bytesToCoordinator: number;
  readonly bytesFromCoordinator: number;
  readonly framesToCoordinator: number;
  readonly framesFromCoordinator: number;
}

export type NodesReport =
  /** Milliseconds from the start of each connection to its welcome. */
  | { readonly kind: 'attached'; readonly setUpMs: readonly number[] }
  | ({ readonly kind: 'counted' } & Traffic)
  | { readonly kind: 'lost'; readonly reason: string };
