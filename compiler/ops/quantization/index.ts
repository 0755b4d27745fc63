import type {Op} from '../op.js';
import {dynamicQuantizeLinear} from './dynamic-quantize.js';
import {convInteger, matMulInteger} from './integer-product.js';
import {dequantizeLinear, quantizeLinear} from './quantize-linear.js';
import {qLinearConv, qLinearMatMul} from './quantized-product.js';

export const quantizationOps: readonly Op[] = [quantizeLinear, dequantizeLinear, dynamicQuantizeLinear, matMulInteger, convInteger, qLinearMatMul, qLinearConv];
