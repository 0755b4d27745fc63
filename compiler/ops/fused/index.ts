import type {Op} from '../op.js';

export const fusedOps: readonly Op[] = [];
