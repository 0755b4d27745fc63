/**
 * Products of com.microsoft: FusedMatMul, FusedConv, MatMulBnb4, MatMulIntegerToFloat and DynamicQuantizeMatMul.
 * https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md
 */
import type {Attributes} from '../../graph/graph.js';
import type {Dim} from '../../graph/dim.js';
import {sizeOf, type Constant} from '../../graph/tensor.js';
import type {ExpandContext, InferContext, Op} from '../op.js';
import {flag, integer, real, reals, text} from '../linear/attributes.js';
import {conv} from '../linear/conv.js';
import {productOf} from '../linear/matmul.js';
import {toNumbers} from '../linear/numbers.js';
import {constantReader} from './packed-matrix.js';
import {node, numberOf, transpose, unsqueeze} from './steps.js';

/** The order of axes that one operand's attributes ask for: first the batch axes before the first one, then the last two swapped. */
function order({attributes}: InferContext, side: 'A' | 'B', rank: number): number[] {
	const axes = Array.from({length: rank}, (_, axis) => axis);
	const batch = flag(attributes, `transBatch${side}`) && rank > 2 ? [...axes.slice(1, -1), 0, rank - 1] : axes;
	return flag(attributes, `trans${side}`) && rank > 1 ? [...batch.slice(0, -2), batch.at(-1)!, batch.at(-2)!] : batch;
}

const moved = (shape: readonly Dim[], perm: readonly number[]): Dim[] => perm.map(axis => shape[axis]!);

export const fusedMatMul: Op = {
	name: 'com.microsoft.FusedMatMul',
	infer(context) {
		const [a, b] = (['A', 'B'] as const).map((side, index) => moved(context.input(index).shape, order(context, side, context.input(index).shape.length))) as [
			Dim[],
			Dim[],
		];
		return [{dtype: context.input(0).dtype, shape: productOf(a, b, context.fail).shape}];
	},
	expand(context) {
		const operands = (['A', 'B'] as const).map((side, index) => {
			const perm = order(context, side, context.input(index).shape.length);
			return perm.every((axis, at) => axis === at) ? context.inputNames[index]! : transpose(context, context.inputNames[index]!, perm);
		});
		const alpha = real(context.attributes, 'alpha', 1);
		if (alpha === 1) {
			context.addNode('MatMul', operands, {}, context.outputNames);
		} else {
			context.addNode('Mul', [node(context, 'MatMul', operands), numberOf(context, alpha)], {}, context.outputNames);
		}
	},
};

function activate(context: ExpandContext, x: string): void {
	const name = text(context.attributes, 'activation', '');
	const parameters = reals(context.attributes, 'activation_params') ?? [];
	const known: Readonly<Record<string, () => readonly [string, readonly string[], Attributes]>> = {
		'': () => ['Identity', [], {}],
		Relu: () => ['Relu', [], {}],
		Tanh: () => ['Tanh', [], {}],
		Sigmoid: () => ['Sigmoid', [], {}],
		LeakyRelu: () => ['LeakyRelu', [], {alpha: parameters[0] ?? 0.01}],
		Clip: () => ['Clip', [numberOf(context, parameters[0] ?? -Infinity), numberOf(context, parameters[1] ?? Infinity)], {}],
		HardSigmoid: () => ['HardSigmoid', [], {alpha: parameters[0] ?? 0.2, beta: parameters[1] ?? 0.5}],
	};
	const [op, inputs, attributes] =
		known[name]?.() ?? context.fail('attribute activation is unknown', {expected: Object.keys(known).filter(Boolean).join(', '), found: name});
	context.addNode(op, [x, ...inputs], attributes, context.outputNames);
}

export const fusedConv: Op = {
	name: 'com.microsoft.FusedConv',
	infer: context => conv.infer(context),
	expand(context) {
		const {activation: _, activation_params: __, ...attributes} = context.attributes;
		const y = node(context, 'Conv', context.inputNames.slice(0, 3), attributes);
		activate(context, context.has(3) ? node(context, 'Add', [y, context.inputNames[3]!]) : y);
	},
};

/** The 16 values of each 4-bit float code of bitsandbytes (FP4; NF4 of arXiv 2305.14314, appendix E). */
const bnb4Values = [
	[
		0, 5.208_333_333e-3, 0.666_666_67, 1, 0.333_333_33, 0.5, 0.166_666_67, 0.25, -0, -5.208_333_333e-3, -0.666_666_67, -1, -0.333_333_33, -0.5, -0.166_666_67,
		-0.25,
	],
	[
		-1, -0.696_192_800_998_687_7, -0.525_073_051_452_636_7, -0.394_917_488_098_144_5, -0.284_441_381_692_886_35, -0.184_773_430_228_233_34,
		-0.091_050_036_251_544_95, 0, 0.079_580_299_556_255_34, 0.160_930_201_411_247_25, 0.246_112_301_945_686_34, 0.337_915_241_718_292_24,
		0.440_709_829_330_444_34, 0.562_617_003_917_694_1, 0.722_956_836_223_602_3, 1,
	],
] as const;

export const matMulBnb4: Op = {
	name: 'com.microsoft.MatMulBnb4',
	infer(context) {
		const {dtype, shape} = context.input(0);
		return [{dtype, shape: [...shape.slice(0, -1), integer(context.attributes, 'N', 0)]}];
	},
	expand(context) {
		const {attributes} = context;
		const [rows, columns, block, type] = ['N', 'K', 'block_size', 'quant_type'].map(name => integer(attributes, name, 0)) as [number, number, number, number];
		const values = bnb4Values[type] ?? context.fail('attribute quant_type is unknown', {expected: '0 (FP4) or 1 (NF4)', found: String(type)});
		const codes = constantReader(context, 1, 'B');
		const scales = constantReader(context, 2, 'absmax');
		const weight: Constant = {
			dtype: 'float32',
			dims: [rows, columns],
			read() {
				const packed = codes().data as Uint8Array;
				const scale = toNumbers(scales());
				// The first of two values is in the high half.
				return Float32Array.from(
					{length: rows * columns},
					(_, at) => values[(packed[at >> 1]! >> (at % 2 === 0 ? 4 : 0)) & 15]! * scale[Math.floor(at / block)]!,
				);
			},
		};
		context.addNode('snug.Linear', [context.inputNames[0]!, context.addConstant(weight)], {}, context.outputNames);
	},
};

const inferProduct = (context: InferContext) => [
	{dtype: 'float32' as const, shape: productOf(context.input(0).shape, context.input(1).shape, context.fail).shape},
];

/** The 32-bit sums times both scales, plus a bias. */
function scaled(context: ExpandContext, product: readonly string[], scales: readonly [string, string], bias: string): void {
	const sums = node(context, 'Cast', [node(context, 'MatMulInteger', product)], {to: 1});
	const factor = node(context, 'Mul', scales);
	if (bias === '') {
		context.addNode('Mul', [sums, factor], {}, context.outputNames);
	} else {
		context.addNode('Add', [node(context, 'Mul', [sums, factor]), bias], {}, context.outputNames);
	}
}

/** A scale for each row of A stands as a column. */
const rowScale = (context: ExpandContext, index: number): string =>
	context.input(index).shape.length === 1 && context.input(index).shape[0] !== 1
		? unsqueeze(context, context.inputNames[index]!, 1)
		: context.inputNames[index]!;

export const matMulIntegerToFloat: Op = {
	name: 'com.microsoft.MatMulIntegerToFloat',
	infer: inferProduct,
	expand(context) {
		const [a, b, , bScale, aZero = '', bZero = '', bias = ''] = context.inputNames as [string, string, string, string, string?, string?, string?];
		scaled(context, [a, b, aZero, bZero], [rowScale(context, 2), bScale], bias);
	},
};

/** A constant B [K, N] of bytes as a weight [N, K] that keeps its codes. */
function byteWeight(context: ExpandContext): Constant {
	const [b, scale] = [constantReader(context, 1, 'B'), constantReader(context, 2, 'b_scale')];
	const zero = context.has(3) ? constantReader(context, 3, 'b_zero_point') : undefined;
	const [columns, rows] = b().dims as [number, number];
	const shift = b().dtype === 'int8' ? 128 : 0;
	const spread = (values: ArrayLike<number>, offset: number): Float32Array =>
		Float32Array.from({length: rows}, (_, row) => values[values.length === 1 ? 0 : row]! + offset);
	const scales = (): Float32Array => spread(toNumbers(scale()), 0);
	const zeros = (): Float32Array => (zero ? spread(toNumbers(zero()), shift) : new Float32Array(rows).fill(shift));
	const codes = (first: number, count: number): Uint8Array => {
		const data = toNumbers(b());
		return Uint8Array.from({length: count * columns}, (_, at) => data[(at % columns) * rows + first + Math.floor(at / columns)]! + shift);
	};

	return {
		dtype: 'float32',
		dims: [rows, columns],
		quantized: {bits: 8, group: columns, codes, scales, zeros},
		read() {
			const [s, z, c] = [scales(), zeros(), codes(0, rows)];
			return Float32Array.from({length: sizeOf([rows, columns])}, (_, at) => (c[at]! - z[Math.floor(at / columns)]!) * s[Math.floor(at / columns)]!);
		},
	};
}

/**
 * With a constant B this is a linear layer whose weight the file holds in 8 bits: A stays in floating point, of which the op's own
 * rounding of A is an approximation. Else A is rounded as the op says.
 */
export const dynamicQuantizeMatMul: Op = {
	name: 'com.microsoft.DynamicQuantizeMatMul',
	infer: inferProduct,
	expand(context) {
		const [a, b, bScale, bZero = '', bias = ''] = context.inputNames as [string, string, string, string?, string?];
		if (context.constant(1)?.dims.length === 2 && context.constant(2)) {
			context.addNode('snug.Linear', [a, context.addConstant(byteWeight(context)), ...(bias === '' ? [] : [bias])], {}, context.outputNames);
			return;
		}

		const [codes, scale, zero] = context.addNode('DynamicQuantizeLinear', [a], {}, 3) as [string, string, string];
		scaled(context, [codes, b, zero, bZero], [scale, bScale], bias);
	},
};
