/** snug.Attention: its kernels against its meaning, with masks, grouped heads, pasts, and caches of every precision. */
import test from 'ava';
import {float16ToFloat32, float32ToFloat16} from '../../compiler/graph/half.js';
import {float32, int64, sizeOf, type Tensor} from '../../compiler/graph/tensor.js';
import {attention} from '../../compiler/ops/fused/attention.js';
import {difference} from '../helpers/compare.js';
import {evaluateNode, lowerNode, makeNode, type Held} from '../helpers/lower-node.js';
import {createRandom, randomNumbers} from '../helpers/random.js';

type Inputs = ReadonlyArray<Tensor | undefined>;

const tolerance = {rtol: 2e-5, atol: 3e-6};

let seed = 100;
const random = (dims: readonly number[], scale = 1): Tensor => float32(dims, randomNumbers(sizeOf(dims), ++seed, scale));

type Sides = {
	batch?: number;
	heads?: number;
	kvHeads?: number;
	width?: number;
	valueWidth?: number;
	queries?: number;
	keys?: number;
	past?: number | undefined;
};

/** q, k, v and, with `past`, the two pasts. */
function make({batch = 1, heads = 2, kvHeads = heads, width = 8, valueWidth = width, queries = 3, keys = queries, past}: Sides, scale = 1): Inputs {
	const [q, k, v] = [
		random([batch, queries, heads * width], scale),
		random([batch, keys, kvHeads * width], scale),
		random([batch, keys, kvHeads * valueWidth]),
	];
	return past === undefined ? [q, k, v] : [q, k, v, random([batch, kvHeads, past, width], scale), random([batch, kvHeads, past, valueWidth])];
}

const withMasks = ([q, k, v, pastKey, pastValue]: Inputs, padding?: Tensor, bias?: Tensor): Inputs => [q, k, v, pastKey, pastValue, padding, bias];

const sidesOf = ({heads = 2, kvHeads = heads, width = 8}: Sides) => ({heads, kv_heads: kvHeads, scale: width ** -0.5});

function agree(title: string, given: () => {inputs: Inputs; attributes: Record<string, number>; held?: Held}, wanted?: number): void {
	test(title, t => {
		const {inputs, attributes, held} = given();
		const node = makeNode('snug.Attention', inputs, attributes, wanted ?? (inputs[3] ? 3 : 1));
		const expected = evaluateNode(attention, node, inputs);
		const actual = lowerNode(attention, node, inputs, held);
		t.true(expected[0]!.data.some(value => value !== 0));
		for (const [index, tensor] of actual.entries()) {
			t.is(difference(tensor, expected[index]!, index === 0 ? tolerance : {rtol: 0, atol: 0}), undefined, `output ${index}`);
		}
	});
}

for (const sides of [
	{},
	{heads: 1, width: 1},
	{heads: 3, width: 7, valueWidth: 5},
	{heads: 6, kvHeads: 2, width: 13},
	{heads: 4, kvHeads: 1, width: 64, queries: 5},
	{batch: 3, heads: 4, kvHeads: 2, width: 6, valueWidth: 10},
	{batch: 2, queries: 2, keys: 129},
] satisfies Sides[]) {
	for (const causal of [0, 1]) {
		agree(`${JSON.stringify(sides)}${causal ? ', causal' : ''}`, () => ({inputs: make(sides), attributes: {...sidesOf(sides), causal}}));
	}
}

for (const length of [1, 63, 64, 65, 128, 200]) {
	for (const window of [0, 1, 64, 70]) {
		agree(`${length} queries, causal, window ${window}`, () => ({
			inputs: make({queries: length, width: 4}),
			attributes: {...sidesOf({width: 4}), causal: 1, window},
		}));
	}
}

agree('a window without a causal limit', () => ({inputs: make({queries: 9}), attributes: {...sidesOf({}), window: 3}}));
agree('a soft cap', () => ({inputs: make({queries: 7}, 4), attributes: {...sidesOf({}), causal: 1, softcap: 2.5}}));
agree('a past given as a tensor, with grouped heads', () => {
	const sides = {batch: 2, heads: 4, kvHeads: 2, width: 5, valueWidth: 3, past: 66, queries: 4};
	return {inputs: make(sides), attributes: {...sidesOf(sides), causal: 1, window: 40}};
});
agree('a past of no positions', () => ({inputs: make({past: 0}), attributes: {...sidesOf({}), causal: 1}}));
agree('present keys asked for without a past', () => ({inputs: make({batch: 2, width: 5}), attributes: sidesOf({width: 5})}), 3);

for (const past of [undefined, 3]) {
	agree(`queries, keys and values as columns of one matrix${past ? ', with a past' : ''}`, () => ({
		inputs: make({batch: 2, heads: 4, kvHeads: 2, width: 6, past}),
		attributes: {...sidesOf({heads: 4, kvHeads: 2, width: 6}), causal: 1},
		held: {rowStrides: {0: 48, 1: 50, 2: 37}},
	}));
}

const mask = (batch: number, keys: number): number[] => {
	const {next} = createRandom(++seed);
	return Array.from({length: batch * keys}, (_, index) => (index % keys > 0 && next() < 0.4 ? 0 : 1));
};

const typed: Readonly<Record<string, (dims: readonly number[], values: readonly number[]) => Tensor>> = {
	int64,
	int32: (dims, values) => ({dtype: 'int32', dims, data: Int32Array.from(values)}),
	bool: (dims, values) => ({dtype: 'bool', dims, data: Uint8Array.from(values)}),
	float32,
};

for (const [dtype, build] of Object.entries(typed)) {
	for (const past of [undefined, 67]) {
		agree(`a padding mask of ${dtype}${past ? ' over past and new keys' : ''}`, () => {
			const keys = (past ?? 0) + 3;
			return {inputs: withMasks(make({batch: 2, past}), build([2, keys], mask(2, keys))), attributes: {...sidesOf({}), causal: 1}};
		});
	}
}

for (const bits of Array.from({length: 16}, (_, index) => index)) {
	const full = [2, 2, 3, 70];
	const dims = full.map((dim, axis) => ((bits >> axis) & 1 ? dim : 1));
	agree(`a bias [${dims.join(', ')}]`, () => ({inputs: withMasks(make({batch: 2, keys: 70}), undefined, random(dims, 2)), attributes: sidesOf({})}));
}

agree('padding, bias, window, causal and soft cap together', () => {
	const sides = {batch: 2, heads: 4, kvHeads: 2, width: 5, past: 70, queries: 4};
	return {
		inputs: withMasks(make(sides), int64([2, 74], mask(2, 74)), random([2, 1, 4, 74])),
		attributes: {...sidesOf(sides), causal: 1, window: 50, softcap: 3},
	};
});

for (const [title, padding, bias] of [
	['by padding', int64([2, 70], [...new Array<number>(70).fill(0), ...new Array<number>(70).fill(1)]), undefined],
	['by a bias of minus infinity', undefined, float32([2, 1, 1, 70], [...new Array<number>(70).fill(-Infinity), ...new Array<number>(70).fill(0)])],
] as const) {
	test(`rows hidden whole ${title} give zeros, and leave the others alone`, t => {
		const inputs = withMasks(make({batch: 2, keys: 70}), padding, bias);
		const node = makeNode('snug.Attention', inputs, sidesOf({}));
		const [y] = lowerNode(attention, node, inputs);
		t.is(difference(y, evaluateNode(attention, node, inputs)[0]!, tolerance), undefined);
		t.true(y!.data.subarray(0, 48).every(value => value === 0));
		t.true(y!.data.subarray(48).every(value => value !== 0));
	});
}

agree('a bias that hides whole blocks and parts of blocks', () => ({
	inputs: withMasks(
		make({keys: 200}),
		undefined,
		float32(
			[1, 1, 1, 200],
			Array.from({length: 200}, (_, at) => (at < 130 || at % 2 ? -Infinity : 0)),
		),
	),
	attributes: sidesOf({}),
}));
agree('the lowest number as the bias of every key, which hides none', () => ({
	inputs: withMasks(make({keys: 70}), undefined, float32([1, 1, 1, 1], [-3.4028234663852886e38])),
	attributes: sidesOf({}),
}));

/** Whole numbers, so that the scores are exact in f32 however large. */
const whole = (dims: readonly number[], high: number): Tensor => {
	const {integer} = createRandom(++seed);
	return float32(
		dims,
		Array.from({length: sizeOf(dims)}, () => integer(-high, high)),
	);
};

agree('scores of some hundred thousands', () => ({
	inputs: [whole([1, 4, 16], 200), whole([1, 150, 16], 200), random([1, 150, 16])],
	attributes: {heads: 2, scale: 1},
}));
agree('scores that are all far below zero', () => ({
	inputs: [
		float32([1, 1, 4], [-256, -256, -256, -256]),
		float32(
			[1, 100, 4],
			Array.from({length: 400}, (_, at) => 256 + (at % 3 === 0 ? 2 ** -8 : 0)),
		),
		random([1, 100, 4]),
	],
	attributes: {heads: 1, scale: 1},
}));
agree('a soft cap far below the scores', () => ({
	inputs: [whole([1, 2, 8], 1000), whole([1, 90, 8], 1000), random([1, 90, 8])],
	attributes: {heads: 1, scale: 1, softcap: 5},
}));

/** How far a stored row may be from the given one. */
const roundings = {
	float32: () => 0,
	float16: (row: Float32Array) => Math.max(...row.map(value => Math.max(Math.abs(value) * 2 ** -11, 2 ** -25))),
	int8: (row: Float32Array) => (Math.max(...row.map(Math.abs)) / 254) * (1 + 1e-5),
} as const;

function rowsWithin(actual: Tensor, expected: Tensor, rounding: (row: Float32Array) => number): string | undefined {
	const width = expected.dims.at(-1)!;
	for (let at = 0; at < expected.data.length; at += width) {
		const [row, held] = [expected, actual].map(({data}) => (data as Float32Array).subarray(at, at + width)) as [Float32Array, Float32Array];
		const bound = rounding(row);
		const worst = row.findIndex((value, index) => !(Math.abs(value - held[index]!) <= bound));
		if (worst >= 0) {
			return `element ${at + worst}: ${held[worst]} for ${row[worst]}, further than ${bound}`;
		}
	}

	return undefined;
}

const slice = ({dims, data}: Tensor, start: number, end: number): Tensor => {
	const [batch, heads, length, width] = dims as [number, number, number, number];
	const rows = Array.from({length: heads}, (_, head) => (data as Float32Array).subarray((head * length + start) * width, (head * length + end) * width));
	return float32(
		[batch, heads, end - start, width],
		rows.flatMap(row => [...row]),
	);
};

/** [1, heads, sequence, width] as [1, sequence, heads·width]. */
const flatten = ({dims, data}: Tensor): Tensor => {
	const [, heads, length, width] = dims as [number, number, number, number];
	return float32(
		[1, length, heads * width],
		Array.from({length: length * heads * width}, (_, at) => {
			const [t, h, c] = [Math.floor(at / (heads * width)), Math.floor(at / width) % heads, at % width];
			return data[(h * length + t) * width + c] as number;
		}),
	);
};

const POSITIONS = 130;

/**
 * What is wrong with attention on what the cache holds. Beside int8 rows, queries and weights are rounded to 16 bits of their largest:
 * a step is 2^-15, and with queries up to four times their deviation an error of 2^-15 or so is in each score and hence in the outputs,
 * whose length is then off by as much; single elements, of some thousand, by several times that.
 */
function wrong(storage: 'float32' | 'float16' | 'int8', actual: Tensor, expected: Tensor): string | undefined {
	if (storage !== 'int8') {
		return difference(actual, expected, tolerance);
	}

	const [a, e] = [actual, expected].map(({data}) => data as Float32Array) as [Float32Array, Float32Array];
	const length = (values: Float32Array): number => Math.sqrt(values.reduce((sum, value) => sum + value ** 2, 0));
	const distance = length(e.map((value, index) => value - a[index]!)) / length(e);
	return distance <= 2 ** -13 ? difference(actual, expected, {rtol: 0, atol: 2 ** -11}) : `${distance} of the length apart`;
}

for (const storage of ['float32', 'float16', 'int8'] as const) {
	for (const width of [8, 13, 24, 64, 520]) {
		for (const [past, queries] of [
			[0, 1],
			[0, 64],
			[1, 1],
			[63, 1],
			[64, 1],
			[65, 1],
			[63, 4],
			[65, 65],
			[129, 1],
			[120, 10],
		] as const) {
			test(`a ${storage} cache of width ${width} at ${past}, ${queries} new`, t => {
				const sides = {heads: 4, kvHeads: 2, width, past, queries};
				const inputs = make(sides);
				const node = makeNode('snug.Attention', inputs, {...sidesOf(sides), causal: 1}, 3);
				const states = {3: {storage, positions: POSITIONS, output: 1}, 4: {storage, positions: POSITIONS, output: 2}};
				const [y, keys, values] = lowerNode(attention, node, inputs, {states, rowStrides: {1: 2 * width + 3}}) as [Tensor, Tensor, Tensor];
				const [, exactKeys, exactValues] = evaluateNode(attention, node, inputs) as [Tensor, Tensor, Tensor];
				t.is(rowsWithin(keys, exactKeys, roundings[storage]), undefined, 'keys');
				t.is(rowsWithin(values, exactValues, roundings[storage]), undefined, 'values');
				// The same attention on what the cache holds.
				const held = [
					inputs[0],
					...[keys, values].map(cache => flatten(slice(cache, past, past + queries))),
					...[keys, values].map(cache => slice(cache, 0, past)),
				];
				const [expected] = evaluateNode(attention, node, held);
				t.is(wrong(storage, y, expected!), undefined);
			});
		}
	}

	test(`a position of a ${storage} cache gives the same whether it comes alone or with others`, t => {
		const sides = {heads: 6, kvHeads: 2, width: 20, past: 60, queries: 9};
		const attributes = {...sidesOf(sides), causal: 1, window: 50};
		const states = {3: {storage, positions: POSITIONS, output: 1}, 4: {storage, positions: POSITIONS, output: 2}};
		const inputs = make(sides) as readonly Tensor[];
		const [together] = lowerNode(attention, makeNode('snug.Attention', inputs, attributes, 3), inputs, {states});
		const [keys, values] = [1, 2].map(index => evaluateNode(attention, makeNode('snug.Attention', inputs, attributes, 3), inputs)[index]!) as [Tensor, Tensor];
		for (let at = 0; at < sides.queries; at++) {
			const past = sides.past + at;
			const row = float32([1, 1, 120], (inputs[0]!.data as Float32Array).slice(at * 120, (at + 1) * 120));
			const one = [row, ...[keys, values].map(all => flatten(slice(all, past, past + 1))), ...[keys, values].map(all => slice(all, 0, past))];
			const [alone] = lowerNode(attention, makeNode('snug.Attention', one, attributes, 3), one, {states});
			t.deepEqual([...alone!.data], [...together!.data.slice(at * 120, (at + 1) * 120)], `query ${at}`);
		}
	});

	test(`a full ${storage} cache takes no more`, t => {
		const inputs = make({past: 129, queries: 2});
		const node = makeNode('snug.Attention', inputs, sidesOf({}), 3);
		const states = {3: {storage, positions: POSITIONS, output: 1}, 4: {storage, positions: POSITIONS, output: 2}};
		t.throws(() => lowerNode(attention, node, inputs, {states}), {instanceOf: WebAssembly.RuntimeError});
	});

	test(`a ${storage} cache behind padding, bias and window`, t => {
		const sides = {heads: 4, kvHeads: 2, width: 12, past: 66, queries: 3};
		const inputs = withMasks(make(sides), int64([1, 69], mask(1, 69)), random([1, 4, 1, 69]));
		const node = makeNode('snug.Attention', inputs, {...sidesOf(sides), causal: 1, window: 66, softcap: 4}, 3);
		const states = {3: {storage, positions: POSITIONS, output: 1}, 4: {storage, positions: POSITIONS, output: 2}};
		const [y, keys, values] = lowerNode(attention, node, inputs, {states}) as [Tensor, Tensor, Tensor];
		const held = [
			inputs[0],
			...[keys, values].map(cache => flatten(slice(cache, 66, 69))),
			...[keys, values].map(cache => slice(cache, 0, 66)),
			...inputs.slice(5),
		];
		t.is(wrong(storage, y, evaluateNode(attention, node, held)[0]!), undefined);
	});
}

test('a float16 cache rounds to the nearest half, ties to even, and holds what is too large as the largest', t => {
	const halves = [1, 1 + 2 ** -11, 1 + 3 * 2 ** -11, 65_504, 1e6, -1e6, 2 ** -24, 2 ** -25, 3 * 2 ** -26, 1e-9, -0.1, 2047.5, 6.1e-5, 0, 65_519, -3.14159];
	const inputs = [
		float32([1, 1, 16], halves),
		float32([1, 1, 16], halves),
		float32([1, 1, 16], halves),
		float32([1, 1, 0, 16], []),
		float32([1, 1, 0, 16], []),
	];
	const node = makeNode('snug.Attention', inputs, {heads: 1, scale: 0}, 3);
	const states = {3: {storage: 'float16', positions: 4, output: 1}, 4: {storage: 'float16', positions: 4, output: 2}} as const;
	const [, keys] = lowerNode(attention, node, inputs, {states});
	const expected = halves.map(value => float16ToFloat32(float32ToFloat16(Math.max(-65_504, Math.min(65_504, value)))));
	t.deepEqual([...(keys!.data as Float32Array)], expected);
});

test('an int8 cache holds rows of zeros as zeros', t => {
	const inputs = [
		random([1, 1, 8]),
		float32([1, 1, 8], new Array<number>(8).fill(0)),
		float32([1, 1, 8], new Array<number>(8).fill(0)),
		float32([1, 1, 0, 8], []),
		float32([1, 1, 0, 8], []),
	];
	const node = makeNode('snug.Attention', inputs, {heads: 1, scale: 1}, 3);
	const states = {3: {storage: 'int8', positions: 4, output: 1}, 4: {storage: 'int8', positions: 4, output: 2}} as const;
	for (const {data} of lowerNode(attention, node, inputs, {states})) {
		t.true((data as Float32Array).every(value => value === 0));
	}
});
