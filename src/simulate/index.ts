/** What other folders may use of the simulation. */
export { simulateCluster } from './simulateCluster.js';
export type { HomeLoad, Load, StepFigures } from './simulateCluster.js';
export type { ClusterPlan } from './clusterPlan.js';
export type { MessageCosts } from './machine.js';
export type { Sizes } from './messageSizes.js';
