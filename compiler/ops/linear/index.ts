import type {Op} from '../op.js';
import {recurrentOps} from './cells.js';
import {convTranspose} from './conv-transpose.js';
import {conv} from './conv.js';
import {einsum} from './einsum.js';
import {gemm} from './gemm.js';
import {globalPools} from './global-pool.js';
import {matMul} from './matmul.js';
import {averagePool, lpPool, maxPool} from './pool.js';

export const linearOps: readonly Op[] = [matMul, gemm, einsum, conv, convTranspose, maxPool, averagePool, lpPool, ...globalPools, ...recurrentOps];
