import type {Op} from '../op.js';
import {convTranspose} from './conv-transpose.js';
import {conv} from './conv.js';
import {gemm} from './gemm.js';
import {globalPools} from './global-pool.js';
import {matMul} from './matmul.js';
import {averagePool, lpPool, maxPool} from './pool.js';

export const linearOps: readonly Op[] = [matMul, gemm, conv, convTranspose, maxPool, averagePool, lpPool, ...globalPools];
