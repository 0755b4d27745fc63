/**
 * What integer codes with groups share: padding, the parts of scales and zero points, and the choice of codes.
 *
 * w = scale × (code − zero / fraction). Rows come in blocks of 16 and columns in whole groups; scales and zeros lie as
 * [row block][group][16]. How codes are packed is the codec's matter.
 */
import {SnugError} from '../error.js';
import {float16At, float32ToFloat16} from '../graph/half.js';
import {kernels, type CompileKernels} from '../numeric/kernels.js';
import type {KernelUse, Part, Shape, Weight} from './codec.js';
import {rowJobs} from './row-jobs.js';

export type IntegerParameters = {readonly bits: number; readonly group: number};

/** Halfs from here on are normal: kernels turn them into f32 by a shift. */
export const LEAST_SCALE = 2 ** -14;
export const LARGEST_SCALE = 65_504;

/** How far the search shrinks a range, by bits: few codes gain from clipping, many do not. */
const narrowest: Readonly<Record<number, number>> = {2: 0.35, 3: 0.5, 4: 0.65, 5: 0.75, 6: 0.85, 7: 0.9, 8: 0.95};

export const padded = ({rows, columns}: Shape, group: number): Shape => ({rows: Math.ceil(rows / 16) * 16, columns: Math.ceil(columns / group) * group});

/** Groups that fit a shape: no longer than its columns, padded to the shortest. */
export const groupsFor = ({columns}: Shape): number[] => [32, 64, 128].filter(group => group <= Math.ceil(columns / 32) * 32);

/** The columns of a row as one group, where kernels can take them so: scales then cost next to nothing. */
export const rowGroup = ({columns}: Shape): number[] => (columns > 128 && columns % 64 === 0 ? [columns] : []);

/** How kernels with a fixed group are named, and the numbers that the one for long groups wants. */
export const groupKernel = (name: string, group: number): KernelUse =>
	group > 128 ? {kernel: `${name}_long`, numbers: {group}} : {kernel: `${name}_${group}`, numbers: {}};

/** The time of a kernel whose groups of 128, 64 and 32 take so many times as long as one for the whole row. */
export const timeOfGroups = (time: number, group: number, factors: {readonly 128: number; readonly 64: number; readonly 32: number}): number =>
	time * (group === 128 || group === 64 || group === 32 ? factors[group] : 1);

export function scaleParts(shape: Shape, group: number): Part[] {
	const {rows, columns} = padded(shape, group);
	const count = (rows * columns) / group;
	return [
		{name: 'scales', bytes: 2 * count},
		{name: 'zeros', bytes: count},
	];
}

/** One part of codes, and the kernel call that packs it from codes of a byte each. */
export type Packing = {readonly bytes: number; pack(run: CompileKernels, out: number, codes: number, rows: number, columns: number): void};

/** Encodes by jobs of row blocks: codes by least squared error or as they are in the file, then packed into the parts. */
export function encodeGroups(weight: Weight, {bits, group}: IntegerParameters, fraction: number, packings: readonly Packing[]): Uint8Array[] {
	const {rows, columns} = padded(weight, group);
	const parts = [...packings.map(({bytes}) => new Uint8Array(bytes)), ...scaleParts(weight, group).map(({bytes}) => new Uint8Array(bytes))];
	const run = kernels();
	// A scale for each row leaves the order of columns free.
	const sorted = weight.feedback && group === columns && columns === weight.columns && group > 128 ? weight.feedback.byEnergy : undefined;
	const feedback = sorted?.factor ?? weight.feedback?.inOrder;
	const gram = sorted?.gram ?? weight.feedback?.gram;
	const inputs = weight.columns;
	const kept = keptCodes(weight, bits, group, fraction);
	const stride = 4 * (48 * columns + group + 544);
	for (const {first, count} of rowJobs(rows, columns, 16)) {
		const groups = (count * columns) / group;
		const [w, codes, scales, zeros, factor, h, scratch, ...outs] = run.layOut(
			4 * count * columns,
			count * columns,
			2 * groups,
			groups,
			feedback?.byteLength ?? 0,
			gram?.byteLength ?? 0,
			stride * run.threads,
			...packings.map(({bytes}) => (bytes / rows) * count),
		) as [number, number, number, number, number, number, number, ...number[]];
		const {buffer} = run.memory;
		const own = {address: scratch, stride};
		if (kept) {
			kept.copy(first, new Uint8Array(buffer, codes, count * columns), new Uint16Array(buffer, scales, groups), new Uint8Array(buffer, zeros, groups));
		} else {
			stage(new Float32Array(buffer, w, count * columns), weight, first, columns, group);
			if (sorted) {
				permute(new Float32Array(buffer, w, count * columns), sorted.order, true);
			}

			if (feedback && gram) {
				new Float32Array(buffer, factor, feedback.length).set(feedback);
				new Float32Array(buffer, h, gram.length).set(gram);
				run.call('encode_feedback', codes, scales, zeros, w, factor, own, count, columns, inputs, group, bits, fraction, narrowest[bits]!);
				run.call('descend_integers', codes, scales, zeros, w, h, own, count, columns, inputs, group, bits, fraction, weight.feedback!.sweeps);
			} else {
				run.call('encode_groups', codes, scales, zeros, w, count, columns, group, bits, fraction, narrowest[bits]!);
			}
		}

		if (sorted && !kept) {
			permute(new Uint8Array(buffer, codes, count * columns), sorted.order, false);
		}

		const addresses = [...outs, scales, zeros];
		for (const [index, {pack}] of packings.entries()) {
			pack(run, outs[index]!, codes, count, columns);
		}

		for (const [index, part] of parts.entries()) {
			const bytes = (part.length / rows) * count;
			part.set(new Uint8Array(buffer, addresses[index], bytes), (part.length / rows) * first);
		}
	}

	return parts;
}

/** Puts the columns of every row into this order, or back out of it. */
export function permute(rows: Float32Array | Uint8Array, order: Uint32Array, into: boolean): void {
	const columns = order.length;
	const row = rows.slice(0, columns);
	for (let start = 0; start < rows.length; start += columns) {
		for (let i = 0; i < columns; i++) {
			row[into ? i : order[i]!] = rows[start + (into ? order[i]! : i)]!;
		}

		rows.set(row, start);
	}
}

/** Codes are of finite numbers. */
export function requireFinite(name: string, data: Float32Array): void {
	// A sum is finite exactly when all addends are, save overflow, which f64 rules out here.
	let sum = 0;
	for (const value of data) {
		sum += value;
	}

	if (!Number.isFinite(sum)) {
		throw new SnugError('weight-not-finite', {
			subject: `weight '${name}'`,
			problem: 'has elements that codes cannot hold',
			expected: 'finite numbers',
			found: 'NaN or infinity',
			hint: 'use the codec dense with float32',
		});
	}
}

/** Rows from `first` on into `out`. Padding repeats the weights of its group, so that it does not change the best scale. */
export function stage(out: Float32Array, weight: Weight, first: number, columns: number, group: number): void {
	const count = out.length / columns;
	const present = Math.max(0, Math.min(count, weight.rows - first));
	const data = weight.read(first, present);
	requireFinite(weight.name, data);
	const start = Math.floor((weight.columns - 1) / group) * group;
	for (let row = 0; row < count; row++) {
		const target = out.subarray(row * columns, (row + 1) * columns);
		if (row >= present) {
			target.fill(0);
			continue;
		}

		target.set(data.subarray(row * weight.columns, (row + 1) * weight.columns));
		for (let column = weight.columns; column < columns; column++) {
			target[column] = target[column - (weight.columns - start)]!;
		}
	}
}

type KeptCodes = {copy(first: number, codes: Uint8Array, scales: Uint16Array, zeros: Uint8Array): void};

/** The codes of a file that is quantised already, where this code can hold them as they are: then only scales are rounded, to f16. */
function keptCodes(weight: Weight, bits: number, group: number, fraction: number): KeptCodes | undefined {
	const source = weight.quantized;
	if (source === undefined || source.bits > bits || source.group % group !== 0) {
		return undefined;
	}

	const scales = source.scales();
	const zeros = source.zeros();
	const fits =
		scales.every(scale => scale === 0 || (scale >= LEAST_SCALE && scale <= LARGEST_SCALE)) &&
		zeros.every(zero => zero >= 0 && zero * fraction <= 255 && Number.isInteger(zero * fraction));
	// A scale of 0 becomes a group of zeros, which needs a code that means zero.
	const zerosAreCodes = scales.every((scale, index) => scale !== 0 || (Number.isInteger(zeros[index]!) && zeros[index]! < 2 ** bits));
	if (!fits || !zerosAreCodes) {
		return undefined;
	}

	const sourceGroups = Math.ceil(weight.columns / source.group);
	const columns = padded(weight, group).columns;
	const groups = columns / group;
	return {
		copy(first, codes, scaleOut, zeroOut) {
			codes.fill(0);
			scaleOut.fill(float32ToFloat16(LEAST_SCALE));
			zeroOut.fill(0);
			const present = Math.max(0, Math.min(codes.length / columns, weight.rows - first));
			const data = source.codes(first, present);
			for (let row = 0; row < present; row++) {
				codes.set(data.subarray(row * weight.columns, (row + 1) * weight.columns), row * columns);
				for (let g = 0; g < groups; g++) {
					const from = (first + row) * sourceGroups + Math.min(sourceGroups - 1, Math.floor((g * group) / source.group));
					const to = ((row >> 4) * groups + g) * 16 + (row & 15);
					zeroOut[to] = zeros[from]! * fraction;
					if (scales[from] === 0) {
						codes.fill(zeros[from]!, row * columns + g * group, row * columns + (g + 1) * group);
					} else {
						scaleOut[to] = float32ToFloat16(scales[from]!);
					}
				}
			}
		},
	};
}

/** f32 of codes: `codesOf(row, out)` gives the padded columns of one row. */
export function decodeGroups(
	scales: Uint8Array,
	zeros: Uint8Array,
	shape: Shape,
	group: number,
	fraction: number,
	first: number,
	count: number,
	codesOf: (row: number, out: Uint8Array) => void,
): Float32Array {
	const {columns} = padded(shape, group);
	const groups = columns / group;
	const out = new Float32Array(count * shape.columns);
	const codes = new Uint8Array(columns);
	for (let row = first, at = 0; row < first + count; row++) {
		codesOf(row, codes);
		for (let g = 0; g < groups; g++) {
			const index = ((row >> 4) * groups + g) * 16 + (row & 15);
			const scale = float16At(scales, index);
			const zero = zeros[index]! / fraction;
			for (let column = g * group; column < Math.min(shape.columns, (g + 1) * group); column++) {
				out[at++] = scale * (codes[column]! - zero);
			}
		}
	}

	return out;
}
