/**
 * Einsum: sums of products over named axes. Two f32 operands become a batched matrix product where one loop is summed, else a plain
 * contraction; more operands are taken in pairs, from the left.
 */
import {multiply, type Dim} from '../../graph/dim.js';
import {bytesOf} from '../../graph/dtype.js';
import {sizeOf} from '../../graph/tensor.js';
import type {LowerContext, Operand} from '../../plan/lower-context.js';
import {mergeLoops, stridedIndices} from '../broadcast.js';
import type {InferContext, Op} from '../op.js';
import {text} from './attributes.js';
import {contiguous, parseEquation, type Equation, type Labelled} from './equation.js';
import {callMatmul, requireFloat32} from './matmul.js';
import {fromNumbers, toNumbers} from './numbers.js';

const equationOf = ({attributes, fail}: Pick<InferContext, 'attributes' | 'fail'>, shapes: ReadonlyArray<readonly Dim[]>): Equation =>
	parseEquation(text(attributes, 'equation', ''), shapes, fail);

const stride = ({strides}: Labelled, label: string): Dim => strides.get(label) ?? 0;

type Value = Labelled & {readonly operand: Operand};

/** The loops over some labels, merged where all values walk them as one: rows of [length, …strides]. */
function loopsOver(labels: readonly string[], sizes: ReadonlyMap<string, Dim>, values: readonly Labelled[]): Dim[][] {
	const {dims, strides} = mergeLoops(
		labels.map(label => sizes.get(label)!),
		values.map(value => labels.map(label => stride(value, label))),
	);
	return dims.map((length, loop) => [length, ...strides.map(each => (length === 1 ? 0 : each[loop]!))]);
}

/** y = Σ a b over the labels that y lacks. */
function contract(context: LowerContext, sizes: ReadonlyMap<string, Dim>, y: Value, a: Value, b: Value | undefined): void {
	const labels = [...new Set([...a.labels, ...(b?.labels ?? [])])];
	const summed = labels.filter(label => !y.strides.has(label));
	const right: Labelled = b ?? {labels: [], strides: new Map()};
	const inner = loopsOver(summed, sizes, [a, right]);
	const {dtype} = a.operand;
	if (b && inner.length === 1 && dtype === 'float32') {
		const pick = (inA: boolean, inB: boolean): Dim[][] =>
			loopsOver(
				y.labels.filter(label => a.strides.has(label) === inA && b.strides.has(label) === inB),
				sizes,
				[y, a, b],
			);
		// Of several loops over rows or columns the last is the matrix's, the others join the batch.
		const [rows, columns] = [pick(true, false), pick(false, true)];
		const [m, n] = [rows.pop()!, columns.pop()!];
		const batch = [...pick(true, true), ...rows, ...columns] as Array<[Dim, Dim, Dim, Dim]>;
		const [k] = inner as [[Dim, Dim, Dim]];
		callMatmul(context, y.operand, a.operand, b.operand, {m: m[0]!, n: n[0]!, k: k[0]}, {y: [m[1]!, n[1]!], a: [m[2]!, k[1]], b: [k[2], n[3]!]}, batch);
		return;
	}

	const outer = loopsOver(y.labels, sizes, [a, right]);
	context.call(dtype === 'float64' ? 'contract_f64' : 'contract_f32', {
		y: y.operand,
		a: a.operand,
		b: b?.operand ?? a.operand,
		has_b: b ? 1 : 0,
		outer: outer.flat(),
		outer_rank: outer.length,
		inner: inner.flat(),
		inner_rank: inner.length,
	});
}

export const einsum: Op = {
	name: 'Einsum',
	infer(context) {
		const {output, sizes} = equationOf(
			context,
			Array.from({length: context.inputCount}, (_, index) => context.input(index).shape),
		);
		return [{dtype: context.input(0).dtype, shape: output.map(label => sizes.get(label)!)}];
	},
	evaluate(context) {
		const tensors = Array.from({length: context.inputs.length}, (_, index) => context.input(index));
		const {operands, output, sizes} = equationOf(
			context,
			tensors.map(({dims}) => dims),
		);
		const summed = [...sizes.keys()].filter(label => !output.includes(label));
		const numbers = (labels: readonly string[]): number[] => labels.map(label => sizes.get(label) as number);
		const offsets = (labels: readonly string[], value: Labelled): Uint32Array =>
			stridedIndices(
				numbers(labels),
				labels.map(label => stride(value, label) as number),
			);
		const outer = operands.map(value => offsets(output, value));
		const inner = operands.map(value => offsets(summed, value));
		const values = tensors.map(toNumbers);
		const [size, count] = [sizeOf(numbers(output)), sizeOf(numbers(summed))];
		const y = Float64Array.from({length: size}, (_, at) => {
			let sum = 0;
			for (let l = 0; l < count; l++) {
				sum += values.reduce((product, data, index) => product * data[outer[index]![at]! + inner[index]![l]!]!, 1);
			}

			return sum;
		});
		return [fromNumbers(tensors[0]!.dtype, numbers(output), y)];
	},
	lower(context) {
		const inputs = Array.from({length: context.inputCount}, (_, index) => context.input(index));
		const {dtype} = inputs[0]!;
		if (dtype !== 'float64' || inputs.some(input => input.dtype !== dtype)) {
			requireFloat32(context, ...inputs);
		}

		const {operands, output, sizes} = equationOf(
			context,
			inputs.map(({shape}) => shape),
		);
		let left: Value = {...operands[0]!, operand: inputs[0]!};
		const result: Value = {...contiguous(output, sizes), operand: context.output(0)};
		if (inputs.length === 1) {
			contract(context, sizes, result, left, undefined);
		}

		for (let index = 1; index < inputs.length; index++) {
			const right: Value = {...operands[index]!, operand: inputs[index]!};
			const needed = new Set([...output, ...operands.slice(index + 1).flatMap(({labels}) => labels)]);
			const kept = [...new Set([...left.labels, ...right.labels])].filter(label => needed.has(label));
			const last = index === inputs.length - 1;
			const product: Value = last
				? result
				: {...contiguous(kept, sizes), operand: {...context.scratch(multiply(bytesOf(dtype), ...kept.map(label => sizes.get(label)!))), dtype}};
			contract(context, sizes, product, left, right);
			left = product;
		}
	},
};
