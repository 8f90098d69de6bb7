/** All that computes in a tab, as one file for its Workers: the node, and each of its threads. */

import { z } from 'zod';
import { serveAsNode } from './node/node.js';
import { NODE_NAME, THREAD_NAME } from './node/talk.js';
import { serveAsThread } from './node/thread.js';

// The page's policy allows no code from text, which zod would otherwise try to make.
z.config({ jitless: true });

switch (self.name) {
  case NODE_NAME:
    serveAsNode();
    break;
  case THREAD_NAME:
    serveAsThread();
}
