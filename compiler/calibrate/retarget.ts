/**
 * What a weight aims at where the weights before it are encoded: the outputs of the model without loss, from the inputs that it gets.
 *
 * With X_f the inputs without loss, X those in the encoded one and H = X Xᵀ, the least-squares solution of W' X = W X_f is
 * W + W M (H + λ)⁻¹ with M = X_f Xᵀ − H. What the coded inputs lack is in part chance, the errors of the words of this text, and a change that
 * follows chance is an error of its own. So each half of the text says what it asks for, in coordinates in which the inputs are independent
 * and of one size, and of every coordinate only the part is changed that both agree in. At 2.5 bits, on 12 windows of 512 tokens, SmolLM2
 * was 0.530 nats from float so, and 0.615 with the whole change; books-3m, at 2.4 bits, 0.0749 and 0.0768.
 */
import {pick} from '../codecs/measure.js';
import type {Feedback, Weight} from '../codecs/codec.js';
import type {Arithmetic} from './arithmetic.js';
import {multiply, pack, transpose, type Packed} from './product.js';

/** M of the halves of the text. */
export type Mismatches = readonly [Mismatch, Mismatch];

/** The transpose of M, as a mean over so many vectors. */
export type Mismatch = {readonly mismatch: Float32Array; readonly tokens: number};

/** Rows of a target that are computed at once. */
const BLOCK_ROWS = 4096;

/** Rows on which it is judged how far the halves of the text agree. */
const SAMPLE_ROWS = 256;

/** A weight with what it aims at in the place of its values. */
export type Retarget = (weight: Weight) => Weight;

/** For all weights of one input. @param byEnergy The factor U, its columns in `order`, has (H + λ)⁻¹ = Uᵀ U. */
export function createRetarget([first, second]: Mismatches, {order, factor}: Feedback['byEnergy'], arithmetic: Arithmetic): Retarget {
	const columns = order.length;
	const packed = (matrix: Float32Array): Packed => pack(matrix, columns, arithmetic);
	// All is in units of the size of each input: beside an input of a thousand times the size others would be rounded away.
	const sizes = new Float32Array(columns);
	for (const [place, column] of order.entries()) {
		sizes[column] = 1 / factor[place * columns + place]!;
	}

	// The rows of the transpose are the columns of the product: these come in the order of the factor.
	const [one, other] = [first, second].map(({mismatch}) => relativeRows(mismatch, order, sizes)) as [Float32Array, Float32Array];
	const absolute = scaleColumns(
		factor.slice(),
		Float32Array.from(order, column => sizes[column]!),
	);
	const share = first.tokens / (first.tokens + second.tokens);
	const [upper, lower] = [packed(absolute), packed(transpose(factor, columns))];
	const mean = packed(meanOf(one, other, share));
	// A single window has no halves to compare.
	const halves = first.tokens > 0 && second.tokens > 0 ? ([packed(one), packed(other)] as const) : undefined;
	const inFactor = (values: Float32Array, mismatch: Packed): Float32Array => multiply(multiply(scaleColumns(values.slice(), sizes), mismatch), upper);
	return weight => {
		const {name, rows} = weight;
		const target = weight.read(0, rows).slice();
		const sample = pick(weight, Math.min(rows, SAMPLE_ROWS));
		const askedBy = (half: Packed): Float32Array => inFactor(sample.read(0, sample.rows), half);
		const parts = halves && agreements([askedBy(halves[0]), askedBy(halves[1])], share, columns);
		for (let start = 0; start < rows; start += BLOCK_ROWS) {
			const block = target.subarray(start * columns, Math.min(rows, start + BLOCK_ROWS) * columns);
			const asked = inFactor(block, mean);
			if (parts) {
				scaleColumns(asked, parts);
			}

			addInOrder(block, multiply(asked, lower), order);
		}

		return {name, rows, columns, read: (from, count) => target.subarray(from * columns, (from + count) * columns)};
	};
}

function meanOf(a: Float32Array, b: Float32Array, share: number): Float32Array {
	const out = new Float32Array(a.length);
	for (let i = 0; i < a.length; i++) {
		out[i] = share * a[i]! + (1 - share) * b[i]!;
	}

	return out;
}

function scaleColumns(rows: Float32Array, factors: Float32Array): Float32Array {
	for (let at = 0; at < rows.length; at += factors.length) {
		for (let i = 0; i < factors.length; i++) {
			rows[at + i]! *= factors[i]!;
		}
	}

	return rows;
}

/** Adds columns that come in `order`. */
function addInOrder(rows: Float32Array, change: Float32Array, order: Uint32Array): void {
	for (let at = 0; at < rows.length; at += order.length) {
		for (let i = 0; i < order.length; i++) {
			rows[at + order[i]!]! += change[at + i]!;
		}
	}
}

/** Rows in `order`; rows and columns in units of these sizes. */
function relativeRows(matrix: Float32Array, order: Uint32Array, sizes: Float32Array): Float32Array {
	const columns = order.length;
	const out = new Float32Array(matrix.length);
	for (const [row, from] of order.entries()) {
		for (let i = 0; i < columns; i++) {
			out[row * columns + i] = matrix[from * columns + i]! / (sizes[from]! * sizes[i]!);
		}
	}

	return out;
}

/**
 * With a and b what the halves ask of one column, the factor that brings their mean nearest to what they have in common: what is chance
 * in one is not in the other, so that a·b is the square of the latter.
 */
function agreements([a, b]: readonly [Float32Array, Float32Array], share: number, columns: number): Float32Array {
	const [common, mean] = [new Float64Array(columns), new Float64Array(columns)];
	for (let at = 0; at < a.length; at += columns) {
		for (let i = 0; i < columns; i++) {
			const [x, y] = [a[at + i]!, b[at + i]!];
			common[i]! += x * y;
			mean[i]! += (share * x + (1 - share) * y) ** 2;
		}
	}

	return Float32Array.from(common, (value, i) => (mean[i]! > 0 ? Math.max(0, Math.min(1, value / mean[i]!)) : 0));
}
