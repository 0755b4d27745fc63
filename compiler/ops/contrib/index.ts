import type {Op} from '../op.js';
import {activations} from './activations.js';
import {embedLayerNorm} from './embed-layer-norm.js';
import {groupQueryAttention} from './group-query-attention.js';
import {gatherBlockQuantized, matMulNBits} from './matmul-nbits.js';
import {contribAttention, multiHeadAttention} from './multi-head-attention.js';
import {onnxAttention} from './onnx-attention.js';
import {dynamicQuantizeMatMul, fusedConv, fusedMatMul, matMulBnb4, matMulIntegerToFloat} from './products.js';
import {contribRotary, rotaryEmbedding} from './rotary-embedding.js';
import {skipLayerNorm, skipRmsNorm} from './skip-norm.js';

export const contribOps: readonly Op[] = [
	matMulNBits,
	gatherBlockQuantized,
	groupQueryAttention,
	multiHeadAttention,
	contribAttention,
	onnxAttention,
	contribRotary,
	rotaryEmbedding,
	skipRmsNorm,
	skipLayerNorm,
	embedLayerNorm,
	fusedMatMul,
	fusedConv,
	matMulBnb4,
	matMulIntegerToFloat,
	dynamicQuantizeMatMul,
	...activations,
];
