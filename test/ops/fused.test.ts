/** snug.Rotary, snug.Gated, snug.Mix, snug.Linear and snug.Embedding: their kernels against their meaning, on strided rows and encoded weights. */
import test from 'ava';
import {codecs} from '../../compiler/codecs/index.js';
import type {Parameters} from '../../compiler/codecs/codec.js';
import {float32, int64, sizeOf, type Tensor} from '../../compiler/graph/tensor.js';
import {activations, gated} from '../../compiler/ops/fused/gated.js';
import {embedding, linear} from '../../compiler/ops/fused/linear.js';
import {mix} from '../../compiler/ops/fused/mix.js';
import {rotary} from '../../compiler/ops/fused/rotary.js';
import type {Op} from '../../compiler/ops/op.js';
import {matvecBound, tileBound} from '../codecs/rounding.js';
import {decodeWeight, encodeWeight} from '../helpers/coded-weight.js';
import {difference} from '../helpers/compare.js';
import {evaluateNode, lowerNode, makeNode, type Held} from '../helpers/lower-node.js';
import {createRandom, randomNumbers} from '../helpers/random.js';

let seed = 500;
const random = (dims: readonly number[], scale = 1): Tensor => float32(dims, randomNumbers(sizeOf(dims), ++seed, scale));

function agree(
	title: string,
	op: Op,
	given: () => {inputs: readonly Tensor[]; attributes?: Record<string, number | string>; held?: Held},
	tolerance = {rtol: 1e-5, atol: 1e-6},
): void {
	test(title, t => {
		const {inputs, attributes, held} = given();
		const node = makeNode(op.name, inputs, attributes);
		const [expected] = evaluateNode(op, node, inputs);
		t.is(difference(lowerNode(op, node, inputs, held)[0], expected!, tolerance), undefined);
	});
}

/** Cosines and sines of random angles. */
function tables(dims: readonly number[]): Tensor[] {
	const angles = randomNumbers(sizeOf(dims), ++seed, 3);
	return [float32(dims, angles.map(Math.cos)), float32(dims, angles.map(Math.sin))];
}

for (const interleaved of [0, 1]) {
	for (const [batch, sequence, heads, width, half] of [
		[1, 1, 1, 2, 1],
		[1, 5, 3, 8, 4],
		[2, 3, 2, 14, 7],
		[2, 3, 2, 64, 32],
		[1, 4, 2, 20, 4],
		[2, 2, 3, 11, 3],
	] as const) {
		for (const tableBatch of new Set([1, batch])) {
			const style = interleaved ? 'pairs' : 'halves';
			agree(`rotary of ${style}: batch ${batch}, tables of ${tableBatch}, ${sequence} positions, ${heads} heads, ${half} of width ${width}`, rotary, () => ({
				inputs: [random([batch, sequence, heads * width]), ...tables([tableBatch, sequence, half])],
				attributes: {heads, interleaved},
			}));
			agree(`strided rotary of ${style}: batch ${batch}, tables of ${tableBatch}, ${half} of width ${width}`, rotary, () => ({
				inputs: [random([batch, sequence, heads * width]), ...tables([tableBatch, sequence, half])],
				attributes: {heads, interleaved},
				held: {rowStrides: {0: heads * width + 5}},
			}));
		}
	}
}

for (const activation of Object.keys(activations)) {
	for (const dims of [[1], [3, 7], [2, 3, 16], [1, 5, 33]]) {
		const columns = dims.at(-1)!;
		agree(`${activation} gate [${dims.join(', ')}]`, gated, () => ({inputs: [random(dims, 3), random(dims, 3)], attributes: {activation}}));
		agree(`strided ${activation} gate [${dims.join(', ')}]`, gated, () => ({
			inputs: [random(dims, 3), random(dims, 3)],
			attributes: {activation},
			held: {rowStrides: {0: 2 * columns, 1: columns + 3}},
		}));
	}

	agree(`${activation} gate of very large and very small numbers`, gated, () => {
		const values = [-1e30, -1000, -100, -88, -20, -1e-3, -1e-30, 0, 1e-30, 1e-3, 20, 88, 100, 1000, 1e30];
		return {
			inputs: [
				float32([1, values.length], values),
				float32(
					[1, values.length],
					values.map(() => 1.5),
				),
			],
			attributes: {activation},
		};
	});
}

for (const [terms, dims] of [
	[1, [1]],
	[2, [3, 7]],
	[3, [2, 3, 16]],
	[5, [1, 2, 130]],
] as const) {
	const width = terms * dims.at(-1)!;
	for (const rowStride of [width, width + 3]) {
		agree(`mix of ${terms}, to [${dims.join(', ')}], rows ${rowStride} apart`, mix, () => ({
			inputs: [random([...dims.slice(0, -1), width]), random([terms])],
			held: {rowStrides: {0: rowStride}},
		}));
	}
}

const shapes = [
	[3, 70],
	[37, 100],
	[48, 256],
] as const;

const title = (codec: string, parameters: Parameters): string => `${codec} ${Object.values(parameters).join('/')}`;

for (const [rows, columns] of shapes) {
	for (const codec of codecs.values()) {
		for (const parameters of codec.options({rows, columns})) {
			const coded = {codec: codec.id, parameters};
			for (const tokens of [1, 5]) {
				test(`linear [${rows}, ${columns}] of ${title(codec.id, parameters)}, ${tokens} tokens`, t => {
					const w = random([rows, columns], 0.1);
					const [x, bias] = [random([1, tokens, columns]), random([rows])];
					const inputs = [x, w, bias];
					const node = makeNode('snug.Linear', inputs);
					const [actual] = lowerNode(linear, node, inputs, {weights: {1: coded}});
					const [expected] = evaluateNode(linear, node, [x, decodeWeight(coded, w), bias]);
					const encoded = {codec, parameters, shape: {rows, columns}, parts: encodeWeight(coded, w).parts};
					// Tokens go through the codec's form of the input, which rounds them.
					const input = (token: number): Float32Array => (x.data as Float32Array).subarray(token * columns, (token + 1) * columns);
					const bound = (token: number, row: number): number =>
						2e-5 + (tokens === 1 ? matvecBound(encoded, input(token), row) : tileBound(encoded, input(token), row));
					for (const [index, value] of (expected!.data as Float32Array).entries()) {
						const distance = Math.abs(value - (actual!.data[index] as number));
						const most = bound(Math.floor(index / rows), index % rows);
						t.true(distance <= most, `element ${index}: ${distance} above ${most}`);
					}
				});
			}

			test(`embedding [${rows}, ${columns}] of ${title(codec.id, parameters)}`, t => {
				const w = random([rows, columns]);
				const {integer} = createRandom(++seed);
				const values = [rows - 1, 0, ...Array.from({length: 6}, () => integer(0, rows - 1))];
				for (const ids of [int64([2, 4], values), {dtype: 'int32', dims: [2, 4], data: Int32Array.from(values)} as const]) {
					const node = makeNode('snug.Embedding', [ids, w]);
					const [actual] = lowerNode(embedding, node, [ids, w], {weights: {1: coded}});
					t.deepEqual(actual, evaluateNode(embedding, node, [ids, decodeWeight(coded, w)])[0]);
				}
			});
		}
	}
}

test('a linear of many axes without a bias', t => {
	const [x, w] = [random([2, 3, 2, 40]), random([9, 40])];
	const node = makeNode('snug.Linear', [x, w]);
	const [actual] = lowerNode(linear, node, [x, w], {weights: {1: {codec: 'dense', parameters: {dtype: 'float32'}}}});
	t.is(difference(actual, evaluateNode(linear, node, [x, w])[0]!, {rtol: 1e-5, atol: 1e-5}), undefined);
});

test('an id outside the table ends the run', t => {
	const w = random([5, 8]);
	for (const id of [5, -6, 1e6]) {
		const inputs = [int64([1], [id]), w];
		const node = makeNode('snug.Embedding', inputs);
		t.throws(() => lowerNode(embedding, node, inputs, {weights: {1: {codec: 'dense', parameters: {dtype: 'float32'}}}}), {
			instanceOf: WebAssembly.RuntimeError,
		});
		t.throws(() => evaluateNode(embedding, node, inputs), {message: /an id is out of range: expected -5 to 4/});
	}
});

test('an id counted from the end is read as its meaning says', t => {
	const inputs = [int64([3], [-1, -5, 2]), random([5, 8])];
	const node = makeNode('snug.Embedding', inputs);
	const [actual] = lowerNode(embedding, node, inputs, {weights: {1: {codec: 'dense', parameters: {dtype: 'float32'}}}});
	t.deepEqual(actual, evaluateNode(embedding, node, inputs)[0]);
});
