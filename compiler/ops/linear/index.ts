import type {Op} from '../op.js';
import {gemm} from './gemm.js';
import {matMul} from './matmul.js';

export const linearOps: readonly Op[] = [matMul, gemm];
