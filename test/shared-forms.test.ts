/** Weights that read the same vectors share their rounded form; those that read only some of them must not. */
import {writeFileSync} from 'node:fs';
import path from 'node:path';
import test from 'ava';
import {compile} from '../compiler/compile.js';
import {float32, int64} from '../compiler/graph/tensor.js';
import {load} from '../runtime-wasm/loader/index.js';
import {normal} from './codecs/harness.js';
import {buildModel} from './helpers/build-model.js';
import {temporaryFolder} from './helpers/temporary.js';

const [TOKENS, SOME, WIDTH] = [9, 2, 64] as const;

test('a product of the first rows and one of all rows, of one tensor', async t => {
	const folder = temporaryFolder(t);
	const model = path.join(folder, 'model.onnx');
	const x = normal(TOKENS * WIDTH, 1);
	const weights = [2, 3].map(seed => normal(WIDTH * WIDTH, seed));
	writeFileSync(
		model,
		buildModel({
			inputs: {x: ['float32', [TOKENS, WIDTH]]},
			outputs: {some: ['float32', [SOME, WIDTH]], all: ['float32', [TOKENS, WIDTH]]},
			initializers: {
				first: float32([WIDTH, WIDTH], weights[0]!),
				second: float32([WIDTH, WIDTH], weights[1]!),
				from: int64([1], [0]),
				to: int64([1], [SOME]),
				axis: int64([1], [0]),
			},
			nodes: [
				{op: 'Slice', inputs: ['x', 'from', 'to', 'axis'], outputs: ['rows']},
				{op: 'MatMul', inputs: ['rows', 'first'], outputs: ['some']},
				{op: 'MatMul', inputs: ['x', 'second'], outputs: ['all']},
			],
		}),
	);
	const output = path.join(folder, 'bundle');
	await compile(model, {output, bits: 8});
	const loaded = await load(output);
	try {
		const {some, all} = await loaded.run({x: {type: 'float32', data: x, dims: [TOKENS, WIDTH]}});
		for (const [tensor, weight, rows] of [
			[some!, weights[0]!, SOME],
			[all!, weights[1]!, TOKENS],
		] as const) {
			for (let row = 0; row < rows; row++) {
				for (let column = 0; column < WIDTH; column++) {
					let sum = 0;
					for (let k = 0; k < WIDTH; k++) {
						sum += x[row * WIDTH + k]! * weight[k * WIDTH + column]!;
					}

					t.true(Math.abs((tensor.data as Float32Array)[row * WIDTH + column]! - sum) < 0.5, `row ${row}, column ${column}`);
				}
			}
		}
	} finally {
		loaded.release();
	}
});
