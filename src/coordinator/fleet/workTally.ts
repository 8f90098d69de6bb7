/** What one node was given and what became of it, since it attached. For people: no decision depends on it. */

export class WorkTally {
  /** Items sent to the node. */
  given = 0;
  /** Of these, copies of items that another node had, too. */
  repeated = 0;
  /** Items of this node that another node was given as well, because this one was late. */
  late = 0;
  /** Items that it could not compute. */
  failed = 0;
  /** Items whose answer was used. */
  answered = 0;
  /** Samples of training in these. */
  trainedSamples = 0;
}
