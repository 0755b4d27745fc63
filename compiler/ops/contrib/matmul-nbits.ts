/**
 * com.microsoft.MatMulNBits: y = x Wᵀ + bias with W [N, K] of 2, 4 or 8 bits in blocks along K; and GatherBlockQuantized, rows of such
 * a matrix. Both keep the codes as they are. https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md
 */
import {equal, keyOf} from '../../graph/dim.js';
import type {ValueType} from '../../graph/graph.js';
import {sizeOf} from '../../graph/tensor.js';
import type {InferContext, Op} from '../op.js';
import {describeShape} from '../broadcast.js';
import {integer} from '../linear/attributes.js';
import {constantReader, packedMatrix, type PackedSource} from './packed-matrix.js';
import {fixed, refuseInputs} from './steps.js';

type Layout = Pick<PackedSource, 'rows' | 'columns' | 'bits' | 'block' | 'rowCodes'>;

function bitsOf({attributes, fail}: InferContext): number {
	const bits = integer(attributes, 'bits', 4);
	return [2, 4, 8].includes(bits) ? bits : fail('attribute bits is not supported', {expected: '2, 4 or 8', found: String(bits)});
}

function blockOf({attributes, fail}: InferContext, fallback: number): number {
	const block = integer(attributes, 'block_size', fallback);
	return block >= 16 && (block & (block - 1)) === 0
		? block
		: fail('attribute block_size is not valid', {expected: 'a power of two of at least 16', found: String(block)});
}

/** The files' tensors must hold as many elements as the attributes say; whether flat or by rows does not matter. */
function requireSize({fail}: InferContext, what: string, {shape}: ValueType, expected: readonly number[]): void {
	const dims = shape.map(dim => fixed({fail}, dim, `the shape of ${what}`));
	if (sizeOf(dims) !== sizeOf(expected)) {
		fail(`${what} does not fit the attributes`, {expected: `${describeShape(expected)} elements`, found: describeShape(dims)});
	}
}

function requireScales(context: InferContext, {rows, columns, bits, block}: Layout, scales: number, zeros: number): void {
	const blocks = Math.ceil(columns / block);
	requireSize(context, 'scales', context.input(scales), [rows, blocks]);
	if (context.has(zeros)) {
		const type = context.input(zeros);
		requireSize(context, 'zero_points', type, [rows, type.dtype === 'uint8' ? Math.ceil((blocks * bits) / 8) : blocks]);
	}
}

function layoutOfMatMul(context: InferContext): Layout {
	const {attributes, fail} = context;
	const [rows, columns] = [integer(attributes, 'N', 0), integer(attributes, 'K', 0)];
	const bits = bitsOf(context);
	const block = blockOf(context, 0);
	const rowCodes = Math.ceil(columns / block) * block;
	if (integer(attributes, 'weight_prepacked', 0) !== 0) {
		fail('attribute weight_prepacked is not supported', {expected: '0', found: String(integer(attributes, 'weight_prepacked', 0))});
	}

	const x = context.input(0);
	if (!equal(x.shape.at(-1) ?? 0, columns)) {
		fail('the input does not fit attribute K', {expected: String(columns), found: keyOf(x.shape.at(-1) ?? 0)});
	}

	const layout = {rows, columns, bits, block, rowCodes};
	requireSize(context, 'B', context.input(1), [rows, (rowCodes * bits) / 8]);
	requireScales(context, layout, 2, 3);
	return layout;
}

export const matMulNBits: Op = {
	name: 'com.microsoft.MatMulNBits',
	infer(context) {
		const {dtype, shape} = context.input(0);
		return [{dtype, shape: [...shape.slice(0, -1), layoutOfMatMul(context).rows]}];
	},
	expand(context) {
		const layout = layoutOfMatMul(context);
		refuseInputs(context, {g_idx: 4});
		const weight = packedMatrix({
			...layout,
			codes: constantReader(context, 1, 'B'),
			scales: constantReader(context, 2, 'scales'),
			...(context.has(3) ? {zeros: constantReader(context, 3, 'zero_points')} : {}),
			defaultZero: 2 ** (layout.bits - 1),
		});
		const bias = context.has(5) ? [context.inputNames[5]!] : [];
		context.addNode('snug.Linear', [context.inputNames[0]!, context.addConstant(weight), ...bias], {}, context.outputNames);
	},
};

function layoutOfGather(context: InferContext): Layout {
	const {attributes, fail} = context;
	const data = context.input(0);
	const bits = bitsOf(context);
	const [rows, last] = [0, 1].map(axis => fixed(context, data.shape[axis], 'the shape of data')) as [number, number];
	const axes = [integer(attributes, 'gather_axis', 0), integer(attributes, 'quantize_axis', 1)];
	if (data.dtype !== 'uint8' || data.shape.length !== 2 || axes[0] !== 0 || ![1, -1].includes(axes[1]!)) {
		fail('only rows of a uint8 matrix can be gathered', {
			expected: 'uint8 [rows, bytes], gather_axis 0, quantize_axis 1',
			found: `${data.dtype} ${describeShape(data.shape)}, ${axes.join(', ')}`,
		});
	}

	const columns = (last * 8) / bits;
	const layout = {rows, columns, bits, block: blockOf(context, 128), rowCodes: columns};
	requireScales(context, layout, 2, 3);
	return layout;
}

export const gatherBlockQuantized: Op = {
	name: 'com.microsoft.GatherBlockQuantized',
	infer: context => [{dtype: context.input(2).dtype, shape: [...context.input(1).shape, layoutOfGather(context).columns]}],
	expand(context) {
		const layout = layoutOfGather(context);
		const table = packedMatrix({
			...layout,
			codes: constantReader(context, 0, 'data'),
			scales: constantReader(context, 2, 'scales'),
			...(context.has(3) ? {zeros: constantReader(context, 3, 'zero_points')} : {}),
			defaultZero: 2 ** (layout.bits - 1),
		});
		context.addNode('snug.Embedding', [context.inputNames[1]!, context.addConstant(table)], {}, context.outputNames);
	},
};
