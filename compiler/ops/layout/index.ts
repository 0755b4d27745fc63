import type {Op} from '../op.js';

export const layoutOps: readonly Op[] = [];
