/** Runs the kernels of a code directly, as a program would: parts, forms and scratch at aligned addresses of one memory. */
import {readFileSync} from 'node:fs';
import {instantiateKernels} from '../../compiler/numeric/kernels.js';
import {createGenerator} from '../../compiler/numeric/random.js';
import {formBytes, type Codec, type Parameters, type Shape, type Weight} from '../../compiler/codecs/codec.js';

/** The variant of the kernels under test; relaxed ones need an engine that has them. */
const variant = process.env['SNUG_KERNELS'] ?? 'plain';

const run = instantiateKernels(readFileSync(new URL(`../../dist/kernels/${variant}.wasm`, import.meta.url)));

export {createGenerator as random} from '../../compiler/numeric/random.js';

/** Roughly normal values. */
export function normal(length: number, seed: number, deviation = 1): Float32Array {
	const next = createGenerator(seed);
	return Float32Array.from({length}, () => deviation * (next() + next() + next() + next() - 2) * Math.sqrt(3));
}

export function weightOf(values: Float32Array, {rows, columns}: Shape, name = 'w'): Weight {
	return {name, rows, columns, read: (first, count) => values.slice(first * columns, (first + count) * columns)};
}

/** A weight as trained ones look: normal, rows of different size, some outliers. */
export function trainedWeight(shape: Shape, seed: number): Weight {
	const values = normal(shape.rows * shape.columns, seed, 0.05);
	const next = createGenerator(seed + 1);
	for (let index = 0; index < values.length; index++) {
		values[index]! *= (1 + (Math.floor(index / shape.columns) % 5)) * (next() < 0.01 ? 4 : 1);
	}

	return weightOf(values, shape);
}

/** Gram matrix of inputs that depend on each other. */
export function correlated(n: number, seed: number): Float32Array {
	const x = normal(4 * n * n, seed);
	const gram = new Float32Array(n * n);
	for (let t = 0; t < 4 * n; t++) {
		const row = x.subarray(t * n, (t + 1) * n);
		for (let i = 1; i < n; i++) {
			row[i]! += 0.7 * row[i - 1]!;
		}

		for (let i = 0; i < n; i++) {
			for (let j = 0; j < n; j++) {
				gram[i * n + j]! += (row[i]! * row[j]!) / (4 * n);
			}
		}
	}

	return gram;
}

export type Encoded<P extends Parameters> = {readonly codec: Codec<P>; readonly parameters: P; readonly shape: Shape; readonly parts: readonly Uint8Array[]};

const GUARD = 0x7f;

/** Lays out parts, their addresses and other arrays; gives the addresses of [list of parts, …others]. */
function place({parts}: {readonly parts: readonly Uint8Array[]}, ...sizes: readonly number[]): number[] {
	const [list, ...rest] = run.layOut(4 * parts.length, ...sizes, ...parts.map(part => part.length)) as [number, ...number[]];
	const addresses = rest.slice(sizes.length);
	new Uint32Array(run.memory.buffer, list, parts.length).set(addresses);
	for (const [index, part] of parts.entries()) {
		new Uint8Array(run.memory.buffer, addresses[index], part.length).set(part);
	}

	return [list, ...rest.slice(0, sizes.length)];
}

/** `length` results at `address`, after checking that nothing behind them was written. */
function collect(address: number, length: number): Float32Array {
	const guard = new Uint8Array(run.memory.buffer, address + 4 * length, 64);
	if (guard.some(byte => byte !== GUARD)) {
		throw new Error('the kernel wrote past its result');
	}

	return new Float32Array(run.memory.buffer, address, length).slice();
}

const guarded = (length: number): number => 4 * length + 64;

const put = (address: number, values: Float32Array): void => new Float32Array(run.memory.buffer, address, values.length).set(values);

const fill = (address: number, bytes: number): Uint8Array => new Uint8Array(run.memory.buffer, address, bytes).fill(GUARD);

export function matvec<P extends Parameters>(encoded: Encoded<P>, x: Float32Array): Float32Array {
	const {
		codec,
		parameters,
		shape: {rows, columns},
	} = encoded;
	const {form, matvec: use} = codec.kernels(parameters);
	const bytes = use.scratch?.({rows, columns}) ?? 0;
	const [list, y, input, formed, scratch] = place(encoded, guarded(rows), 4 * columns, form.bytes(columns) + 64, bytes + 64) as [
		number,
		number,
		number,
		number,
		number,
	];
	put(input, x);
	fill(y, guarded(rows));
	fill(formed, form.bytes(columns) + 64);
	fill(scratch, bytes + 64);
	if (form.kernel) {
		run.call(form.kernel, formed, input, 1, columns);
		if (new Uint8Array(run.memory.buffer, formed + form.bytes(columns), 64).some(byte => byte !== GUARD)) {
			throw new Error('the form kernel wrote past its form');
		}
	}

	run.call(use.kernel, y, form.kernel ? formed : input, list, ...(use.scratch ? [scratch] : []), rows, columns, ...Object.values(use.numbers));
	if (new Uint8Array(run.memory.buffer, scratch + bytes, 64).some(byte => byte !== GUARD)) {
		throw new Error('the kernel wrote past its scratch');
	}

	return collect(y, rows);
}

/** @param bias One number for each row. */
export function tile<P extends Parameters>(encoded: Encoded<P>, x: Float32Array, bias?: Float32Array): Float32Array {
	const {codec, parameters, shape} = encoded;
	const {rows, columns} = shape;
	const tokens = x.length / columns;
	const {tile: use} = codec.kernels(parameters);
	const bytes = use.scratch(shape);
	const room = formBytes(use.form, tokens, columns) as number;
	const places = place(encoded, guarded(rows * tokens), 4 * x.length, bytes + 64, room + 64, 4 * rows);
	const [list, y, input, scratch, formed, biases] = places as [number, number, number, number, number, number];
	put(input, x);
	put(biases, bias ?? new Float32Array(rows));
	fill(y, guarded(rows * tokens));
	fill(scratch, bytes + 64);
	fill(formed, room + 64);
	if (use.form.kernel) {
		run.call(use.form.kernel, formed, input, tokens, columns);
		if (new Uint8Array(run.memory.buffer, formed + room, 64).some(byte => byte !== GUARD)) {
			throw new Error('the form kernel wrote past its form');
		}
	}

	run.call(use.kernel, y, use.form.kernel ? formed : input, list, bias ? biases : 0, scratch, tokens, rows, columns, ...Object.values(use.numbers));
	if (new Uint8Array(run.memory.buffer, scratch + bytes, 64).some(byte => byte !== GUARD)) {
		throw new Error('the kernel wrote past its scratch');
	}

	return collect(y, rows * tokens);
}

export function row<P extends Parameters>(encoded: Encoded<P>, ids: readonly number[]): Float32Array {
	const {
		codec,
		parameters,
		shape: {rows, columns},
	} = encoded;
	const {row: use} = codec.kernels(parameters);
	const [list, y, index] = place(encoded, guarded(ids.length * columns), 8 * ids.length) as [number, number, number];
	new BigInt64Array(run.memory.buffer, index, ids.length).set(ids.map(BigInt));
	fill(y, guarded(ids.length * columns));
	run.call(use.kernel, y, index, list, ids.length, rows, columns, ...Object.values(use.numbers));
	return collect(y, ids.length * columns);
}

/** Σ w x of one row in f64, and Σ |w x|, which bounds what f32 rounding can add up to. */
export function dot(w: Float32Array, x: Float32Array, wAt: number, xAt: number, columns: number): {sum: number; magnitude: number} {
	let sum = 0;
	let magnitude = 0;
	for (let column = 0; column < columns; column++) {
		const product = w[wAt + column]! * x[xAt + column]!;
		sum += product;
		magnitude += Math.abs(product);
	}

	return {sum, magnitude};
}
