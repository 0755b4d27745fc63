/**
 * Prints, for every option of every codec, what its kernels compute. Run once for each variant by `variants.test.ts`. Of exact sums and
 * rows the bits, as a hash; of products in f32 the numbers and how far two roundings of the same sum may lie apart.
 */
import {createHash} from 'node:crypto';
import {codecs} from '../../compiler/codecs/index.js';
import {matvec, normal, row, tile, trainedWeight, type Encoded} from './harness.js';
import type {Parameters} from '../../compiler/codecs/codec.js';

export type Rounded = {readonly values: readonly number[]; readonly bounds: readonly number[]};

export type Results = Readonly<Record<string, string | Rounded>>;

const shape = {rows: 37, columns: 200};

/** Half a unit in the last place of 1. */
const ROUNDING = 2 ** -24;

const hash = (values: Float32Array): string => createHash('sha256').update(new Uint8Array(values.buffer)).digest('hex');

/** Each of two sums of n products is within n roundings of the true one, times the sum of magnitudes. */
function rounded({codec, parameters, parts}: Encoded<Parameters>, x: Float32Array, y: Float32Array): Rounded {
	const {rows, columns} = shape;
	const weights = codec.decode(parts, shape, parameters, 0, rows);
	const bounds = Array.from(y, (_, index) => {
		const [token, row] = [Math.floor(index / rows), index % rows];
		let sum = 0;
		for (let column = 0; column < columns; column++) {
			sum += Math.abs(weights[row * columns + column]! * x[token * columns + column]!);
		}

		return 2 * columns * ROUNDING * sum;
	});
	return {values: [...y], bounds};
}

const results: Record<string, string | Rounded> = {};
for (const codec of codecs.values()) {
	for (const parameters of codec.options(shape)) {
		const encoded = {codec, parameters, shape, parts: codec.encode(trainedWeight(shape, 7), parameters)};
		const {form, tile: use} = codec.kernels(parameters);
		const name = `${codec.id} ${JSON.stringify(parameters)}`;
		const [one, many] = [normal(shape.columns, 3, 100), normal(5 * shape.columns, 4)];
		const [vector, matrix] = [matvec(encoded, one), tile(encoded, many)];
		results[`${name} matvec`] = form.kernel === undefined ? rounded(encoded, one, vector) : hash(vector);
		results[`${name} tile`] = use.form.kernel === undefined ? rounded(encoded, many, matrix) : hash(matrix);
		results[`${name} row`] = hash(row(encoded, [5, 36]));
	}
}

console.log(JSON.stringify(results));
