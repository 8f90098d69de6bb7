/** The messages between the main process and the processes of simulated nodes. */

export interface NodeSettings {
  /** How long a node takes for an item; 0: it answers at once. */
  readonly computeMs: number;
  readonly token: string | undefined;
}

export type NodesCommand =
  | ({ readonly kind: 'attach'; readonly url: string; readonly count: number } & NodeSettings)
  | { readonly kind: 'count' };

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
