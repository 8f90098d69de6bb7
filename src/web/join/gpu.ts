/** A thread that computes on the GPU. Pages load it only where somebody has chosen that. */

import { z } from 'zod';
import { loadInPage } from '../../engine/webgpu/pages.js';
import { serveAsThread } from './node/thread.js';

// The page's policy allows no code from text, which zod would otherwise try to make.
z.config({ jitless: true });

serveAsThread((_choice, model) => loadInPage(model, (navigator as Partial<Navigator>).gpu));
