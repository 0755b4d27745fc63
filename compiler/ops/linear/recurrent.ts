/**
 * What LSTM, GRU and RNN share: directions, layout, sequence lengths, the projection of the inputs, and the loop over time. A cell is a
 * row of data with its step. https://onnx.ai/onnx/operators/onnx__LSTM.html
 */
import {add, equal, isNumber, multiply, type Dim} from '../../graph/dim.js';
import type {ValueType} from '../../graph/graph.js';
import {zeros, type Tensor} from '../../graph/tensor.js';
import type {LowerContext, Operand} from '../../plan/lower-context.js';
import {describeShape} from '../broadcast.js';
import type {EvaluateContext, InferContext, Op} from '../op.js';
import {integer, real, text} from './attributes.js';
import type {Fail} from './batch.js';
import {activationNumbers, cellActivations, type CellActivation} from './cell-activation.js';
import {callMatmul, requireFloat32} from './matmul.js';
import {toNumbers} from './numbers.js';

/** Everything that one step of one sequence sees. Gates are input products without biases; weights are of one direction. */
export type Step = {
	readonly hidden: number;
	readonly input: ArrayLike<number>;
	readonly recurrence: ArrayLike<number>;
	/** Input biases, then recurrent ones; zeros where the node has none. */
	readonly bias: ArrayLike<number>;
	/** Peephole weights of an LSTM; zeros where the node has none. */
	readonly peepholes: ArrayLike<number>;
	readonly h: ArrayLike<number>;
	readonly c: ArrayLike<number>;
	readonly activations: readonly CellActivation[];
	clip(x: number): number;
	/** Attributes such as linear_before_reset. */
	flag(name: string): boolean;
};

export type Cell = {
	readonly name: string;
	readonly gates: number;
	readonly activations: readonly string[];
	readonly hasCell: boolean;
	/** Attributes that the kernel takes as a number of the same name. */
	readonly flags: readonly string[];
	readonly kernel: string;
	/** f32 of scratch for each hidden unit beyond the input products. */
	readonly scratch: number;
	step(step: Step): {h: number[]; c?: number[]};
};

type Geometry = {
	readonly directions: number;
	readonly steps: Dim;
	readonly batch: Dim;
	readonly inputs: number;
	readonly hidden: number;
	readonly batchFirst: boolean;
	readonly reverse: readonly boolean[];
};

function geometryOf(
	{attributes, fail}: {readonly attributes: InferContext['attributes']; fail: Fail},
	cell: Cell,
	x: readonly Dim[],
	w: readonly Dim[],
	r: readonly Dim[],
): Geometry {
	const direction = text(attributes, 'direction', 'forward');
	const reverse =
		{forward: [false], reverse: [true], bidirectional: [false, true]}[direction] ??
		fail('attribute direction is unknown', {expected: 'forward, reverse or bidirectional', found: direction});
	const hidden = integer(attributes, 'hidden_size', Number(r.at(-1)));
	const batchFirst = integer(attributes, 'layout', 0) === 1;
	const expected = [reverse.length, cell.gates * hidden, x[2]!];
	if (x.length !== 3 || !isNumber(x[2]!) || w.length !== 3 || w.some((dim, axis) => !equal(dim, expected[axis]!)) || !equal(r.at(-1) ?? 0, hidden)) {
		return fail('the weights do not fit the input', {expected: describeShape(expected), found: `${describeShape(w)} for an input ${describeShape(x)}`});
	}

	return {directions: reverse.length, steps: x[batchFirst ? 1 : 0]!, batch: x[batchFirst ? 0 : 1]!, inputs: x[2], hidden, batchFirst, reverse};
}

const dot = (a: ArrayLike<number>, at: number, b: ArrayLike<number>, count: number): number => {
	let sum = 0;
	for (let index = 0; index < count; index++) {
		sum += a[at + index]! * b[index]!;
	}

	return sum;
};

/** Row `gate` · hidden + `unit` of the recurrence, times a state. */
export const recur = ({recurrence, hidden}: Step, gate: number, unit: number, h: ArrayLike<number>): number =>
	dot(recurrence, (gate * hidden + unit) * hidden, h, hidden);

const orZeros = (tensor: Tensor | undefined, size: number): ArrayLike<number> => (tensor ? toNumbers(tensor) : new Float64Array(size));

function evaluateRecurrent(context: EvaluateContext, cell: Cell): Tensor[] {
	const {attributes, inputs} = context;
	const [x, w, r] = [context.input(0), context.input(1), context.input(2)];
	const geometry = geometryOf(context, cell, x.dims, w.dims, r.dims);
	const {directions, inputs: width, hidden, batchFirst, reverse} = geometry;
	const [steps, batch] = [geometry.steps as number, geometry.batch as number];
	const wide = cell.gates * hidden;
	const biases = orZeros(inputs[3], directions * 2 * wide);
	const lengths = inputs[4] ? toNumbers(inputs[4]) : new Float64Array(batch).fill(steps);
	const peepholes = orZeros(inputs[7], directions * 3 * hidden);
	const [xs, ws, rs] = [toNumbers(x), toNumbers(w), toNumbers(r)];
	const [initialH, initialC] = [inputs[5], inputs[6]].map(tensor => orZeros(tensor, directions * batch * hidden)) as [ArrayLike<number>, ArrayLike<number>];
	const activations = cellActivations(context, cell.activations, directions);
	const limit = real(attributes, 'clip', 0);
	const [y, yh, yc] = [outputShape(geometry), stateShape(geometry), stateShape(geometry)].map(dims => zeros('float32', dims as number[])) as [
		Tensor,
		Tensor,
		Tensor,
	];
	for (let d = 0; d < directions; d++) {
		const part = (values: ArrayLike<number>, size: number): number[] => Array.from({length: size}, (_, index) => values[d * size + index]!);
		const [weights, recurrence, bias, peephole] = [part(ws, wide * width), part(rs, wide * hidden), part(biases, 2 * wide), part(peepholes, 3 * hidden)];
		for (let b = 0; b < batch; b++) {
			const at = (batchFirst ? b * directions + d : d * batch + b) * hidden;
			const state = (values: ArrayLike<number>): number[] => Array.from({length: hidden}, (_, index) => values[at + index]!);
			let [h, c] = [state(initialH), state(initialC)];
			for (let step = 0; step < lengths[b]!; step++) {
				const t = reverse[d] ? lengths[b]! - 1 - step : step;
				const row = Array.from(xs.subarray((batchFirst ? b * steps + t : t * batch + b) * width).subarray(0, width));
				const input = Array.from({length: wide}, (_, gate) => dot(weights, gate * width, row, width));
				const next = cell.step({
					hidden,
					input,
					recurrence,
					bias,
					peepholes: peephole,
					h,
					c,
					activations: activations[d]!,
					clip: value => (limit > 0 ? Math.min(limit, Math.max(-limit, value)) : value),
					flag: name => integer(attributes, name, 0) !== 0,
				});
				[h, c] = [next.h, next.c ?? c];
				(y.data as Float32Array).set(h, (batchFirst ? (b * steps + t) * directions + d : (t * directions + d) * batch + b) * hidden);
			}

			(yh.data as Float32Array).set(h, at);
			(yc.data as Float32Array).set(c, at);
		}
	}

	return cell.hasCell ? [y, yh, yc] : [y, yh];
}

const outputShape = ({batchFirst, steps, batch, directions, hidden}: Geometry): Dim[] =>
	batchFirst ? [batch, steps, directions, hidden] : [steps, directions, batch, hidden];

const stateShape = ({batchFirst, batch, directions, hidden}: Geometry): Dim[] => (batchFirst ? [batch, directions, hidden] : [directions, batch, hidden]);

const shifted = (operand: Operand, elements: Dim): Operand => ({...operand, offset: add(operand.offset, multiply(4, elements))});

function lowerRecurrent(context: LowerContext, cell: Cell): void {
	const [x, w, r] = [context.input(0), context.input(1), context.input(2)];
	requireFloat32(context, x, w, r);
	const geometry = geometryOf(context, cell, x.shape, w.shape, r.shape);
	const {directions, steps, batch, inputs, hidden, batchFirst, reverse} = geometry;
	const wide = cell.gates * hidden;
	const optional = (index: number): Operand | undefined => (context.has(index) ? context.input(index) : undefined);
	const [bias, lengths, h0, c0, peepholes] = [optional(3), optional(4), optional(5), optional(6), optional(7)];
	const projected = context.scratch(multiply(4 * wide, steps, batch));
	const work = context.scratch(4 * (wide + cell.scratch * hidden));
	const outputs = [outputShape(geometry), stateShape(geometry), stateShape(geometry)].map((shape, index) =>
		context.wants(index) ? context.output(index) : context.scratch(multiply(4, ...shape)),
	);
	const activations = cellActivations(context, cell.activations, directions);
	const stateStep = batchFirst ? multiply(directions, hidden) : hidden;
	for (const [d, reversed] of reverse.entries()) {
		callMatmul(
			context,
			projected,
			x,
			shifted(w, d * wide * inputs),
			{m: multiply(steps, batch), n: wide, k: inputs},
			{y: [wide, 1], a: [inputs, 1], b: [1, inputs]},
			[],
		);
		const state = batchFirst ? d * hidden : multiply(d * hidden, batch);
		const optionalPart = (name: string, operand: Operand | undefined, at: Dim) => ({
			[name]: operand ? shifted(operand, at) : projected,
			[`has_${name}`]: operand ? 1 : 0,
		});
		context.call(cell.kernel, {
			y: shifted(outputs[0]!, batchFirst ? d * hidden : multiply(d * hidden, batch)),
			h: shifted(outputs[1]!, state),
			...(cell.hasCell ? {c: shifted(outputs[2]!, state), ...optionalPart('c0', c0, state), ...optionalPart('peepholes', peepholes, d * 3 * hidden)} : {}),
			work,
			x: projected,
			r: shifted(r, d * wide * hidden),
			...optionalPart('bias', bias, d * 2 * wide),
			lengths: lengths ?? projected,
			has_lengths: lengths ? 1 : 0,
			...optionalPart('h0', h0, state),
			shape: [
				steps,
				batch,
				hidden,
				reversed ? 1 : 0,
				...(batchFirst ? [wide, multiply(wide, steps)] : [multiply(wide, batch), wide]),
				...(batchFirst ? [directions * hidden, multiply(directions * hidden, steps)] : [multiply(directions * hidden, batch), hidden]),
				stateStep,
			],
			activations: activationNumbers(activations[d]!),
			clip: real(context.attributes, 'clip', 0),
			...Object.fromEntries(cell.flags.map(name => [name, integer(context.attributes, name, 0)])),
		});
	}
}

export const recurrent = (cell: Cell): Op => ({
	name: cell.name,
	infer(context) {
		const geometry = geometryOf(context, cell, context.input(0).shape, context.input(1).shape, context.input(2).shape);
		cellActivations(context, cell.activations, geometry.directions);
		const {dtype} = context.input(0);
		const state: ValueType = {dtype, shape: stateShape(geometry)};
		return [{dtype, shape: outputShape(geometry)}, state, ...(cell.hasCell ? [state] : [])];
	},
	evaluate: context => evaluateRecurrent(context, cell),
	lower(context) {
		lowerRecurrent(context, cell);
	},
});

export const unitsOf = ({hidden}: Step): number[] => Array.from({length: hidden}, (_, unit) => unit);
