import type {Op} from '../op.js';
import {activations} from './activations.js';
import {groupQueryAttention} from './group-query-attention.js';
import {gatherBlockQuantized, matMulNBits} from './matmul-nbits.js';
import {contribRotary, rotaryEmbedding} from './rotary-embedding.js';
import {skipLayerNorm, skipRmsNorm} from './skip-norm.js';

export const contribOps: readonly Op[] = [matMulNBits, gatherBlockQuantized, groupQueryAttention, contribRotary, rotaryEmbedding, skipRmsNorm, skipLayerNorm, ...activations];
