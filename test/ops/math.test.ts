/** The math ops where the backend suite is silent: accuracy of elementary functions, other types, broadcasting, every axis. */
import test from 'ava';
import type {DType} from '../../compiler/graph/dtype.js';
import {allocate} from '../../compiler/graph/dtype.js';
import type {Attributes} from '../../compiler/graph/graph.js';
import {float32, sizeOf, type Tensor} from '../../compiler/graph/tensor.js';
import {mathOps} from '../../compiler/ops/math/index.js';
import {difference} from '../helpers/compare.js';
import {evaluateNode, lowerNode, makeNode} from '../helpers/lower-node.js';

const opOf = (name: string) => mathOps.find(op => op.name === name)!;

/** Deterministic numbers in [-1, 1). */
function noise(count: number, seed = 1): number[] {
	let state = seed;
	return Array.from({length: count}, () => {
		state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
		return state / 2 ** 31 - 1;
	});
}

const spread = (low: number, high: number, count = 4099): number[] => Array.from({length: count}, (_, i) => low + ((high - low) * i) / (count - 1));

const special = [0, -0, 1, -1, 0.5, -0.5, 1e-20, -1e-20, 1e-40, 3e38, -3e38, Infinity, -Infinity, NaN];

const ulp = 2 ** -23;

/** Largest error over the points, relative to the result or, below `floor`, to `floor`. */
function worst(name: string, points: readonly number[], floor = 2 ** -126, attributes: Attributes = {}): number {
	const inputs = [float32([points.length], points)];
	const node = makeNode(name, inputs, attributes);
	const [made] = lowerNode(opOf(name), node, inputs);
	const exact = evaluateNode(
		opOf(name),
		makeNode(name, [{...inputs[0]!, dtype: 'float64', data: Float64Array.from(inputs[0]!.data as Float32Array)}], attributes),
		[{...inputs[0]!, dtype: 'float64', data: Float64Array.from(inputs[0]!.data as Float32Array)}],
	);
	let error = 0;
	for (let i = 0; i < points.length; i++) {
		const a = made!.data[i] as number;
		const e = exact[0]!.data[i] as number;
		if (Object.is(a, e) || a === Math.fround(e)) {
			continue;
		}

		error = Math.max(error, Number.isFinite(a) && Number.isFinite(e) ? Math.abs(a - e) / Math.max(Math.abs(e), floor) : Infinity);
	}

	return error;
}

const accuracy: ReadonlyArray<readonly [op: string, points: readonly number[], ulps: number, floor?: number, attributes?: Attributes]> = [
	['Exp', spread(-87, 88.7), 4],
	['Log', [...spread(1e-6, 4), ...spread(4, 1e30)], 3],
	['Sin', spread(-8192, 8192), 8, 0.1],
	['Cos', spread(-8192, 8192), 8, 0.1],
	['Sin', spread(-4, 4), 3, 1e-3],
	['Tan', spread(-1.5, 1.5), 6],
	['Asin', spread(-1, 1), 6],
	['Acos', spread(-1, 1), 6, 1e-3],
	['Atan', [...spread(-2, 2), ...spread(-1e4, 1e4)], 4],
	['Sinh', spread(-89, 89), 10],
	['Cosh', spread(-89, 89), 10],
	['Tanh', [...spread(-1, 1), ...spread(-20, 20)], 6],
	['Asinh', [...spread(-2, 2), ...spread(-1e8, 1e8)], 6],
	['Acosh', [...spread(1, 3), ...spread(3, 1e8)], 8],
	['Atanh', spread(-0.999, 0.999), 8],
	['Erf', [...spread(-1.2, 1.2), ...spread(-5, 5)], 4],
	['Sigmoid', spread(-80, 80), 6],
	['Softplus', spread(-80, 80), 8],
	['Mish', spread(-20, 20), 12],
	['Gelu', spread(-4, 10), 8, 0.1],
	['Gelu', spread(-4, 10), 8, 0.1, {approximate: 'tanh'}],
	['Swish', spread(-20, 20), 8],
	['Elu', spread(-10, 10), 8],
	['Selu', spread(-10, 10), 8],
	['Celu', spread(-10, 10), 8, 1e-30, {alpha: 2}],
];

for (const [op, points, ulps, floor, attributes] of accuracy) {
	test(`${op} ${JSON.stringify(attributes ?? {})} from ${points[0]} is right within ${ulps} ulp`, t => {
		const error = worst(op, points, floor, attributes) / ulp;
		t.true(error <= ulps, `${error.toFixed(2)} ulp`);
	});
}

for (const op of [
	'Abs',
	'Neg',
	'Sign',
	'Relu',
	'Sqrt',
	'Reciprocal',
	'Floor',
	'Ceil',
	'Round',
	'Exp',
	'Log',
	'Asin',
	'Acos',
	'Atan',
	'Sinh',
	'Cosh',
	'Tanh',
	'Asinh',
	'Acosh',
	'Atanh',
	'Erf',
	'Sigmoid',
	'Softplus',
	'Softsign',
	'IsNaN',
	'IsInf',
	'LeakyRelu',
	'HardSigmoid',
	'ThresholdedRelu',
	'Celu',
]) {
	test(`${op} has IEEE special values`, t => {
		const inputs = [float32([special.length], special)];
		const node = makeNode(op, inputs);
		t.is(difference(lowerNode(opOf(op), node, inputs)[0], evaluateNode(opOf(op), node, inputs)[0]!, {rtol: 1e-6, atol: 0}), undefined);
	});
}

const make = (dtype: DType, dims: readonly number[], values: readonly number[]): Tensor => {
	const data = allocate(dtype, sizeOf(dims));
	for (let i = 0; i < data.length; i++) {
		const value = values[i % values.length]!;
		data[i] = data instanceof BigInt64Array || data instanceof BigUint64Array ? BigInt(Math.trunc(value)) : value;
	}

	return {dtype, dims, data};
};

/** Kernels and `evaluate` agree. */
const agrees = (op: string, inputs: readonly Tensor[], attributes: Attributes = {}, outputs = 1): string | undefined => {
	const node = makeNode(op, inputs, attributes, outputs);
	const lowered = lowerNode(opOf(op), node, inputs);
	const evaluated = evaluateNode(opOf(op), node, inputs);
	return lowered.map((made, i) => difference(made, evaluated[i]!, {rtol: 2e-6, atol: 1e-6})).find(Boolean);
};

const shapes: ReadonlyArray<readonly [readonly number[], readonly number[]]> = [
	[[7], [7]],
	[[], [9]],
	[[9], []],
	[[3, 5, 8], [8]],
	[
		[5, 1],
		[1, 6],
	],
	[
		[2, 1, 3, 1, 4],
		[5, 1, 2, 4],
	],
	[
		[2, 3, 1, 5, 1, 3, 2],
		[1, 3, 4, 1, 6, 1, 2],
	],
	[
		[0, 4],
		[1, 4],
	],
	[[2, 0], [1]],
	[[1, 1], [1]],
];

for (const op of ['Add', 'Sub', 'Mul', 'Div', 'Max', 'Min', 'Less', 'LessOrEqual', 'Greater', 'GreaterOrEqual', 'Equal', 'Pow', 'Mod', 'PRelu']) {
	const types: readonly DType[] =
		op === 'Pow' || op === 'PRelu'
			? ['float32', 'int32', 'int64']
			: ['float32', 'float64', 'float16', 'int8', 'uint8', 'int16', 'uint16', 'int32', 'uint32', 'int64', 'uint64'];
	for (const dtype of types) {
		test(`${op} of ${dtype} broadcasts, with the extremes of the type`, t => {
			const unsigned = dtype.startsWith('u');
			const numbers = unsigned ? [0, 1, 2, 7, 11, 250, 3] : op === 'Pow' ? [1, 2, -3, 4] : [-128, -1, 0, 5, 7, 127, -9, 3];
			const others = unsigned ? [3, 0, 1, 200, 255] : op === 'Pow' ? [0, 1, 2, 3] : [-1, 3, 0, -4, 127, 2, -128];
			for (const [a, b] of shapes) {
				t.is(
					agrees(op, [make(dtype, a, numbers), make(dtype, b, others)], op === 'Mod' && dtype.startsWith('float') ? {fmod: 1} : {}),
					undefined,
					JSON.stringify([a, b]),
				);
			}
		});
	}
}

test('Integers wrap, and the smallest divided by -1 is itself', t => {
	const smallest: Tensor = {dtype: 'int64', dims: [1], data: BigInt64Array.of(-(2n ** 63n))};
	const minus: Tensor = {dtype: 'int64', dims: [1], data: BigInt64Array.of(-1n)};
	for (const op of ['Div', 'Mod', 'Mul', 'Add', 'Sub']) {
		t.is(agrees(op, [smallest, minus]), undefined, op);
	}

	const big: Tensor = {dtype: 'int32', dims: [1], data: Int32Array.of(2_147_483_647)};
	t.is(evaluateNode(opOf('Mul'), makeNode('Mul', [big, big]), [big, big])[0]!.data[0], 1);
	t.is(agrees('Mul', [big, big]), undefined);
});

test('Where and logic broadcast three and two operands', t => {
	const condition = make('bool', [4, 1, 3], [1, 0, 0, 1, 1]);
	for (const dtype of ['float32', 'int64', 'int32', 'uint8', 'float16', 'bool'] as const) {
		t.is(agrees('Where', [condition, make(dtype, [5, 1], [1, 0, 1]), make(dtype, [2, 4, 5, 3], [0, 1])]), undefined, dtype);
	}

	t.is(agrees('Where', [make('bool', [9], [1, 0, 0]), float32([9], noise(9)), float32([], [-1])]), undefined);
	for (const op of ['And', 'Or', 'Xor']) {
		t.is(agrees(op, [condition, make('bool', [2, 1, 5, 1], [0, 1, 1])]), undefined, op);
	}
});

test('Sum and Mean of several operands broadcast to the largest', t => {
	const inputs = [float32([3], noise(3)), float32([2, 1], noise(2)), float32([4, 1, 1], noise(4))];
	for (const op of ['Sum', 'Mean', 'Max', 'Min']) {
		t.is(agrees(op, inputs), undefined, op);
		t.is(agrees(op, [inputs[0]!]), undefined, op);
	}
});

const reductions = ['ReduceSum', 'ReduceMean', 'ReduceMax', 'ReduceMin', 'ReduceProd', 'ReduceL1', 'ReduceL2', 'ReduceLogSumExp', 'ReduceSumSquare'];

for (const op of reductions) {
	test(`${op} over every set of axes`, t => {
		const dims = [3, 4, 2, 5];
		for (let mask = 0; mask < 16; mask++) {
			const axes = [0, 1, 2, 3].filter(axis => mask & (1 << axis));
			const over: Tensor = {dtype: 'int64', dims: [axes.length], data: BigInt64Array.from(axes, BigInt)};
			for (const keepdims of [0, 1]) {
				t.is(agrees(op, [float32(dims, noise(120)), over], {keepdims, noop_with_empty_axes: 1}), undefined, `axes ${axes.join(', ')}`);
			}

			if (op !== 'ReduceLogSumExp') {
				t.is(agrees(op, [make('int64', dims, [1, 2, -1, 3, 1]), over]), undefined, `int64, axes ${axes.join(', ')}`);
				t.is(agrees(op, [make('int32', dims, [1, 2, -1, 3, 1]), over]), undefined, `int32, axes ${axes.join(', ')}`);
			}
		}
	});
}

test('A mean over an axis of zero elements is NaN, a sum is 0', t => {
	const empty = float32([2, 0], []);
	const axes: Tensor = {dtype: 'int64', dims: [1], data: BigInt64Array.of(1n)};
	t.is(agrees('ReduceSum', [empty, axes]), undefined);
	t.is(agrees('ReduceMean', [empty, axes]), undefined);
});

test('ArgMax and ArgMin choose the first or the last of equal elements on any axis', t => {
	for (const dtype of ['float32', 'int64', 'int32', 'uint8'] as const) {
		for (const axis of [0, 1, -1]) {
			for (const select_last_index of [0, 1]) {
				for (const op of ['ArgMax', 'ArgMin']) {
					t.is(agrees(op, [make(dtype, [3, 4, 6], [2, 5, 1, 5, 1, 3, 3])], {axis, select_last_index, keepdims: 0}), undefined);
				}
			}
		}
	}
});

test('Softmax and its kin run along any axis, also flattened as before opset 13', t => {
	const x = float32(
		[3, 5, 7],
		noise(105).map(value => value * 20),
	);
	for (const op of ['Softmax', 'LogSoftmax', 'Hardmax']) {
		for (const axis of [0, 1, 2, -3]) {
			t.is(agrees(op, [x], {axis}), undefined, `${op} ${axis}`);
			t.is(agrees(op, [x], {axis, flatten: 1}), undefined, `${op} ${axis} flattened`);
		}
	}

	const node = {...makeNode('Softmax', [x]), attributes: {}};
	t.deepEqual(opOf('Softmax').upgrade!({node, opset: 12, addConstant: () => '', fail: () => t.fail()}).attributes, {axis: 1, flatten: 1});
});

test('CumSum in all four forms', t => {
	for (const dtype of ['float32', 'int64', 'int32'] as const) {
		for (const axis of [0, 1, 2]) {
			for (const exclusive of [0, 1]) {
				for (const reverse of [0, 1]) {
					t.is(agrees('CumSum', [make(dtype, [3, 4, 2], [1, 2, 3, -1, 5]), make('int32', [], [axis])], {exclusive, reverse}), undefined);
				}
			}
		}
	}
});

test('Layer and RMS norm with every shape of scale and bias', t => {
	const x = float32([2, 3, 10], noise(60));
	for (const [scale, bias] of [
		[[10], [10]],
		[[3, 10], [10]],
		[[1], [1]],
		[[10], undefined],
		[[], []],
	] as const) {
		const inputs = [x, float32(scale, noise(30, 2)), ...(bias ? [float32(bias, noise(30, 3))] : [])];
		for (const axis of [-1, 1]) {
			t.is(agrees('LayerNormalization', inputs, {axis}, 3), undefined);
			t.is(agrees('RMSNormalization', inputs.slice(0, 2), {axis}), undefined);
			t.is(agrees('SimplifiedLayerNormalization', inputs.slice(0, 2), {axis}, 2), undefined);
		}
	}
});

test('Norms by channel, with one scale for each group too', t => {
	const x = float32([2, 6, 3, 3], noise(108));
	const per = (count: number, seed: number): Tensor => float32([count], noise(count, seed));
	t.is(agrees('GroupNormalization', [x, per(6, 2), per(6, 3)], {num_groups: 3}), undefined);
	t.is(agrees('GroupNormalization', [x, per(3, 2), per(3, 3)], {num_groups: 3}), undefined);
	t.is(agrees('InstanceNormalization', [x, per(6, 2), per(6, 3)]), undefined);
	t.is(agrees('BatchNormalization', [x, per(6, 2), per(6, 3), per(6, 4), float32([6], [1, 2, 0.5, 0.1, 3, 1])]), undefined);
	t.is(agrees('LRN', [x], {size: 4, alpha: 0.5, beta: 0.75, bias: 2}), undefined);
	for (const p of [1, 2]) {
		t.is(agrees('LpNormalization', [x], {p, axis: 1}), undefined);
	}

	t.is(agrees('LpNormalization', [float32([2, 2], [0, 0, 3, 4])], {axis: -1}), undefined);
});

const castTypes = ['float32', 'float64', 'float16', 'bfloat16', 'int8', 'uint8', 'int16', 'uint16', 'int32', 'uint32', 'int64', 'uint64', 'bool'] as const;

test('Cast between all types, out of range and not numbers too', t => {
	const codes: Readonly<Record<string, number>> = {
		float32: 1,
		uint8: 2,
		int8: 3,
		uint16: 4,
		int16: 5,
		int32: 6,
		int64: 7,
		bool: 9,
		float16: 10,
		float64: 11,
		uint32: 12,
		uint64: 13,
		bfloat16: 16,
	};
	const values = float32([14], [0, -0, 0.5, -1.5, 2.5, 300, -300, 70_000, 3e9, -3e9, 1e20, Infinity, -Infinity, NaN]);
	for (const from of castTypes) {
		const x = evaluateNode(opOf('Cast'), makeNode('Cast', [values], {to: codes[from]!}), [values])[0]!;
		for (const to of castTypes) {
			t.is(agrees('Cast', [x], {to: codes[to]!}), undefined, `${from} to ${to}`);
		}
	}
});

test('Halves are rounded to the nearest even', t => {
	const x = float32([8], [1 + 2 ** -11, 1 + 3 * 2 ** -11, 65_519, 65_520, 2 ** -25, 2 ** -25 * 1.5, -(2 ** -24), 6.1e-5]);
	const [half] = evaluateNode(opOf('Cast'), makeNode('Cast', [x], {to: 10}), [x]);
	t.deepEqual([...half!.data], [0x3c_00, 0x3c_02, 0x7b_ff, 0x7c_00, 0, 1, 0x80_01, 0x3_ff]);
});

test('Clip with bounds that are constants, and with one alone', t => {
	const x = float32([9], [-3, -1, 0, 1, 3, NaN, Infinity, -Infinity, 0.5]);
	t.is(agrees('Clip', [x, float32([], [-1]), float32([], [1])]), undefined);
	t.is(agrees('Clip', [x, float32([], [-1])]), undefined);
	t.is(agrees('Clip', [x]), undefined);
	t.is(agrees('Clip', [make('int64', [5], [-9, 0, 9]), make('int64', [], [-1]), make('int64', [], [4])]), undefined);
});
