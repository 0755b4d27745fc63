/**
 * Residual blocks after BitStack (arXiv 2410.23918): w = Σ over blocks of sign ∘ (Uᵀ V), where each block takes the signs of what the ones
 * before it left, and the best product of low rank for its magnitudes. The first blocks of a code are the code of fewer blocks.
 *
 * Inputs that are large count more: factors are those of the magnitudes times the root mean square of each input, which is divided out of V
 * again, so that it costs nothing at run time. V is found on a sample of rows; U is then each row's own least squares. The layout is in
 * `runtime-wasm/kernels/bitstack.h`.
 */
import {float16At, float16ToFloat32, float32ToFloat16} from '../graph/half.js';
import {kernels} from '../numeric/kernels.js';
import {createGenerator} from '../numeric/random.js';
import {dualOf, orthonormalise} from '../numeric/orthonormal.js';
import {bytesOfLayout, floatForm, type Codec, type Part, type Shape, type Weight} from './codec.js';
import {LEAST_SCALE, requireFinite} from './integer-groups.js';
import {rowJobs} from './row-jobs.js';
import {pick} from './measure.js';

/** `bits` is the number of blocks: signs are a bit a weight each. */
export type BitstackParameters = {readonly bits: number; readonly rank: number};

/** Rows on which V is found, and steps of subspace iteration. */
const [SAMPLE_ROWS, STEPS, SEED] = [2048, 4, 5];

const padded = ({rows, columns}: Shape): Shape => ({rows: Math.ceil(rows / 16) * 16, columns: Math.ceil(columns / 64) * 64});

function layout(shape: Shape, {bits, rank}: BitstackParameters): Part[] {
	const {rows, columns} = padded(shape);
	return Array.from({length: bits}, (_, block) => [
		{name: `signs${block}`, bytes: (rows * columns) / 8},
		{name: `outputs${block}`, bytes: 2 * rank * rows},
		{name: `inputs${block}`, bytes: 2 * rank * columns},
	]).flat();
}

/** V of a block, as halfs and what they stand for, and D with U = D |R|ᵀ. */
type Factors = {readonly halfs: Uint16Array; readonly inputs: Float32Array; readonly dual: Float32Array};

/** Rows [first, first + count), padded with zeros. */
function stage(weight: Weight, first: number, count: number, {rows, columns}: Shape): Float32Array {
	const values = weight.read(first, count);
	requireFinite(weight.name, values);
	const out = new Float32Array(rows * columns);
	for (let row = 0; row < count; row++) {
		out.set(values.subarray(row * weight.columns, (row + 1) * weight.columns), row * columns);
	}

	return out;
}

/** Takes a block from the residual, in place. */
function takeBlock(residual: Float32Array, {inputs, dual}: Factors, columns: number, rank: number): {signs: Uint8Array; outputs: Uint16Array} {
	const rows = residual.length / columns;
	const run = kernels();
	const [signs, outputs, r, v, d, scratch] = run.layOut(
		(rows * columns) / 8,
		2 * rank * rows,
		residual.byteLength,
		inputs.byteLength,
		dual.byteLength,
		4 * rank,
	) as [number, number, number, number, number, number];
	const {buffer} = run.memory;
	const held = new Float32Array(buffer, r, residual.length);
	held.set(residual);
	new Float32Array(buffer, v, inputs.length).set(inputs);
	new Float32Array(buffer, d, dual.length).set(dual);
	run.call('encode_bitstack', signs, outputs, r, v, d, scratch, rows, columns, rank);
	residual.set(held);
	return {signs: new Uint8Array(buffer, signs, (rows * columns) / 8).slice(), outputs: new Uint16Array(buffer, outputs, rank * rows).slice()};
}

/**
 * The leading right singular vectors of |R| diag(sizes), by subspace iteration from ones, which are near the first, and random numbers.
 * @returns [rank][columns], orthonormal or 0.
 */
function leadingVectors(residual: Float32Array, sizes: Float32Array, rank: number): Float32Array {
	const columns = sizes.length;
	const rows = residual.length / columns;
	const next = createGenerator(SEED);
	let vectors = Float32Array.from({length: rank * columns}, (_, at) => (at < columns ? 1 : next() - 0.5));
	orthonormalise(vectors, rank);
	const run = kernels();
	const scale = (values: Float32Array<ArrayBuffer>): Float32Array<ArrayBuffer> => values.map((value, at) => value * sizes[at % columns]!);
	for (let step = 0; step < STEPS; step++) {
		const [u, v, r] = run.layOut(4 * rank * rows, vectors.byteLength, residual.byteLength) as [number, number, number];
		const {buffer} = run.memory;
		new Float32Array(buffer, r, residual.length).set(residual);
		new Float32Array(buffer, v, vectors.length).set(scale(vectors));
		run.call('magnitude_outputs', u, r, v, rows, columns, rank);
		run.call('magnitude_inputs', v, r, u, rows, columns, rank);
		vectors = scale(new Float32Array(buffer, v, vectors.length).slice());
		orthonormalise(vectors, rank);
	}

	return vectors;
}

/** V of the next block for a residual of which `residual` is a sample. */
function factorsOf(residual: Float32Array, sizes: Float32Array, rank: number): Factors {
	const columns = sizes.length;
	const vectors = leadingVectors(residual, sizes, rank);
	// Halfs reach far enough where both factors of a product have the size of its root.
	const magnitude = Math.sqrt(residual.reduce((sum, value) => sum + Math.abs(value), 0) / residual.length || 1);
	const halfs = new Uint16Array(rank * columns);
	const inputs = new Float32Array(rank * columns);
	for (let k = 0; k < rank; k++) {
		const own = vectors.subarray(k * columns, (k + 1) * columns).map((value, at) => (sizes[at]! > 0 ? value / sizes[at]! : 0));
		const size = Math.sqrt(own.reduce((sum, value) => sum + value * value, 0) / columns) || 1;
		for (let at = 0; at < columns; at++) {
			const half = float32ToFloat16((own[at]! * magnitude) / size);
			const value = float16ToFloat32(half);
			const normal = Math.abs(value) >= LEAST_SCALE && Number.isFinite(value);
			halfs[k * columns + at] = normal ? half : 0;
			inputs[k * columns + at] = normal ? value : 0;
		}
	}

	const dual = dualOf(
		inputs.map((value, at) => value * sizes[at % columns]!),
		rank,
	).map((value, at) => value * sizes[at % columns]!);
	return {halfs, inputs, dual};
}

/** The root mean square of each input, relative to their largest; all alike without a calibration. */
function inputSizes({feedback, columns}: Weight, wide: number): Float32Array {
	const sizes = new Float32Array(wide);
	const energy = feedback?.energy;
	const largest = energy?.reduce((most, value) => Math.max(most, value), 0) ?? 0;
	for (let column = 0; column < columns; column++) {
		// An input that was never seen still counts a little.
		sizes[column] = largest > 0 ? Math.sqrt(Math.max(energy![column]! / largest, 1e-6)) : 1;
	}

	return sizes;
}

export const bitstack: Codec<BitstackParameters> = {
	id: 'bitstack',
	byName: 'always',
	// V is fitted to what is measured, as it is to the weight: with fewer rows it would flatter itself.
	sampleRows: SAMPLE_ROWS,
	options(shape) {
		const ranks = [1, 4, 16].filter(rank => rank === 1 || 4 * rank <= Math.min(shape.rows, shape.columns));
		const options = [1, 2, 3, 4, 5, 6].flatMap(bits => ranks.map(rank => ({bits, rank})));
		return options.sort((a, b) => bytesOfLayout(layout(shape, a)) - bytesOfLayout(layout(shape, b)) || a.bits - b.bits);
	},
	layout,
	encode(weight, parameters) {
		const {bits, rank} = parameters;
		const {rows, columns} = padded(weight);
		const sizes = inputSizes(weight, columns);
		const parts = layout(weight, parameters).map(({bytes}) => new Uint8Array(bytes));
		const sampled = pick(weight, Math.min(weight.rows, SAMPLE_ROWS));
		const sample = stage(sampled, 0, sampled.rows, {rows: Math.ceil(sampled.rows / 16) * 16, columns});
		const blocks = Array.from({length: bits}, (_, block) => {
			const factors = factorsOf(sample, sizes, rank);
			takeBlock(sample, factors, columns, rank);
			parts[3 * block + 2]!.set(new Uint8Array(factors.halfs.buffer));
			return factors;
		});
		for (const {first, count} of rowJobs(rows, columns, 16)) {
			const residual = stage(weight, first, Math.min(count, weight.rows - first), {rows: count, columns});
			for (const [block, factors] of blocks.entries()) {
				const {signs, outputs} = takeBlock(residual, factors, columns, rank);
				parts[3 * block]!.set(signs, (first * columns) / 8);
				const all = new Uint16Array(parts[3 * block + 1]!.buffer);
				for (let k = 0; k < rank; k++) {
					all.set(outputs.subarray(k * count, (k + 1) * count), k * rows + first);
				}
			}
		}

		return parts;
	},
	decode(parts, shape, {bits, rank}, first, count) {
		const {rows, columns} = padded(shape);
		const out = new Float32Array(count * shape.columns);
		for (let block = 0; block < bits; block++) {
			const [signs, outputs, inputs] = parts.slice(3 * block, 3 * block + 3) as [Uint8Array, Uint8Array, Uint8Array];
			const v = Float32Array.from({length: rank * columns}, (_, at) => float16At(inputs, at));
			for (let row = first, at = 0; row < first + count; row++) {
				const u = Array.from({length: rank}, (_, k) => float16At(outputs, k * rows + row));
				for (let column = 0; column < shape.columns; column++, at++) {
					let magnitude = 0;
					for (let k = 0; k < rank; k++) {
						magnitude = Math.fround(magnitude + Math.fround(u[k]! * v[k * columns + column]!));
					}

					const sign = (signs[((row >> 4) * columns * 16) / 8 + 16 * (column >> 3) + (row & 15)]! >> (column & 7)) & 1;
					out[at]! += sign ? magnitude : -magnitude;
				}
			}
		}

		return out;
	},
	kernels({bits, rank}) {
		const numbers = {bits, rank};
		return {
			form: floatForm,
			matvec: {kernel: 'matvec_bitstack', numbers, time: 15 * bits * rank, scratch: shape => bits * rank * Math.ceil(padded(shape).columns / 128) * 528},
			tile: {kernel: 'tile_bitstack', numbers, time: 50 + bits * rank, form: floatForm, scratch: ({columns}) => 64 * columns},
			row: {kernel: 'row_bitstack', numbers},
		};
	},
};
