/** The laws of codecs on weights as a compile encodes them: a few rows of one matrix of each shape, of both language models. */
import test from 'ava';
import {findWeights, openWeight, type GraphWeight} from '../../compiler/allocate/weights.js';
import {importBounded} from '../../compiler/bounds.js';
import {codecs} from '../../compiler/codecs/index.js';
import type {Codec, Parameters, Shape, Weight} from '../../compiler/codecs/codec.js';
import {measure, pick} from '../../compiler/codecs/measure.js';
import {optimize, transform} from '../../compiler/passes/optimize.js';
import {dot, matvec, normal, row, tile, type Encoded} from '../codecs/harness.js';
import {matvecBound, tileBound} from '../codecs/rounding.js';
import {findModel, missing} from '../helpers/models.js';

const [ROWS, TOKENS] = [64, 3];

/** Options that differ in nothing but their bits, the fewest first. */
function laddersOf(codec: Codec, shape: Shape): Parameters[][] {
	const ladders = new Map<string, Parameters[]>();
	for (const parameters of codec.options(shape)) {
		const {bits: _, ...others} = parameters;
		const key = JSON.stringify(others);
		ladders.set(key, [...(ladders.get(key) ?? []), parameters]);
	}

	return [...ladders.values()].map(list => [...list].sort((a, b) => Number(a['bits']) - Number(b['bits'])));
}

function encodeTwice(t: {deepEqual(a: unknown, b: unknown, message: string): void}, codec: Codec, parameters: Parameters, weight: Weight): Encoded<Parameters> {
	const {rows, columns} = weight;
	const title = `${codec.id} ${JSON.stringify(parameters)}`;
	const parts = codec.encode(weight, parameters);
	t.deepEqual(
		parts.map(({length}) => length),
		codec.layout(weight, parameters).map(({bytes}) => bytes),
		title,
	);
	t.deepEqual(codec.encode(weight, parameters), parts, title);
	return {codec, parameters, shape: {rows, columns}, parts};
}

/** What kernels give for random inputs, against `decode`. @returns what is further off than rounding explains. */
function strayOf(encoded: Encoded<Parameters>): string[] {
	const {codec, parameters, shape, parts} = encoded;
	const {rows, columns} = shape;
	const title = `${codec.id} ${JSON.stringify(parameters)}`;
	const decoded = codec.decode(parts, shape, parameters, 0, rows);
	const x = normal(TOKENS * columns, 11);
	const [one, many] = [matvec(encoded, x.subarray(0, columns)), tile(encoded, x)];
	const stray: string[] = [];
	for (let token = 0; token < TOKENS; token++) {
		const input = x.subarray(token * columns, (token + 1) * columns);
		for (let r = 0; r < rows; r++) {
			const {sum, magnitude} = dot(decoded, x, r * columns, token * columns, columns);
			const rounding = 1e-5 * magnitude;
			if (!(Math.abs(many[token * rows + r]! - sum) <= tileBound(encoded, input, r) + rounding)) {
				stray.push(`${title}: tile, row ${r}, token ${token}: ${many[token * rows + r]} against ${sum}`);
			}

			if (token === 0 && !(Math.abs(one[r]! - sum) <= matvecBound(encoded, input, r) + rounding)) {
				stray.push(`${title}: matvec, row ${r}: ${one[r]} against ${sum}`);
			}
		}
	}

	const ids = [0, rows - 1, rows >> 1];
	const looked = row(encoded, ids);
	const differs = ids.findIndex((id, index) =>
		looked.subarray(index * columns, (index + 1) * columns).some((value, at) => value !== decoded[id * columns + at]),
	);
	return differs < 0 ? stray : [...stray, `${title}: row ${ids[differs]} is not that of decode`];
}

// With the transforms that a compile chooses: a column of SmolLM2's table stands out so far that, not rotated, no trellis code reaches it.
for (const [name, transforms] of [
	['books-3m', []],
	['smollm2-135m', ['rotate-stream']],
] as const) {
	test.serial(`${name}: bytes, meaning, ladders`, t => {
		const model = findModel(name);
		if (model === undefined) {
			t.log(`skipped: ${missing(name)}`);
			t.pass();
			return;
		}

		const shapes = new Map<string, GraphWeight>();
		for (const weight of findWeights(transform(optimize(importBounded(model).graph), transforms).graph)) {
			// What is guarded is never offered the narrow codes.
			if (!weight.constant.guarded) {
				shapes.set(`${weight.rows}×${weight.columns}`, weight);
			}
		}

		let tried = 0;
		for (const [shape, whole] of shapes) {
			const weight = pick(openWeight(whole), Math.min(ROWS, whole.rows));
			for (const codec of codecs.values()) {
				for (const ladder of laddersOf(codec, weight)) {
					let last: {readonly error: number; readonly parts: readonly Uint8Array[]; readonly bytes: number} | undefined;
					for (const parameters of ladder) {
						const encoded = encodeTwice(t, codec, parameters, weight);
						t.deepEqual(strayOf(encoded), [], `${whole.name} ${shape}`);
						const error = measure(codec, parameters, weight, {sampleRows: weight.rows});
						const bytes = encoded.parts.reduce((sum, {length}) => sum + length, 0);
						if (last) {
							const title = `${whole.name} ${shape}: ${codec.id} ${JSON.stringify(parameters)}`;
							t.true(error < last.error && bytes > last.bytes, `${title}: ${error} of ${bytes} bytes against ${last.error} of ${last.bytes}`);
							if (codec.id === 'bitstack') {
								t.deepEqual(encoded.parts.slice(0, last.parts.length), last.parts, `${title} does not begin with the code of a block less`);
							}
						}

						last = {error, parts: encoded.parts, bytes};
						tried++;
					}
				}
			}
		}

		t.log(`${shapes.size} shapes, ${tried} codes`);
	});
}
