import type {Op} from '../op.js';

export const linearOps: readonly Op[] = [];
