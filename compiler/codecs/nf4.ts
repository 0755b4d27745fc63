/**
 * Sixteen levels that are not evenly spaced, a nibble a weight. w = scale × level, by groups of 32, 64 or 128 columns.
 *
 * `nf4` are the quantiles of a normal distribution of QLoRA (arXiv 2305.14314, appendix E), `fp4` the numbers of one sign, two exponent
 * and one mantissa bits, as bitsandbytes has them. The table is a part, so one set of kernels serves both; the layout is in
 * `runtime-wasm/kernels/levels.h`.
 */
import {float16At} from '../graph/half.js';
import {kernels} from '../numeric/kernels.js';
import {bytesOfLayout, floatForm, type Codec, type Part, type Shape} from './codec.js';
import {groupsFor, padded, stage} from './integer-groups.js';
import {rowJobs} from './row-jobs.js';
import {integerForm} from './scalar.js';

export type LevelsParameters = {readonly levels: 'nf4' | 'fp4'; readonly bits: 4; readonly group: number};

const positive = [0, 0.0625 / 12, 2 / 12, 3 / 12, 4 / 12, 6 / 12, 8 / 12, 1];

/** Ascending, the largest magnitude 1. */
export const levelTables: Readonly<Record<LevelsParameters['levels'], Float32Array>> = {
	nf4: Float32Array.of(
		-1,
		-0.6961928009986877,
		-0.5250730514526367,
		-0.39491748809814453,
		-0.28444138169288635,
		-0.18477343022823334,
		-0.09105003625154495,
		0,
		0.07958029955625534,
		0.16093020141124725,
		0.24611230194568634,
		0.33791524171829224,
		0.44070982933044434,
		0.5626170039176941,
		0.7229568362236023,
		1,
	),
	fp4: Float32Array.from([...positive.map(level => -level).reverse(), ...positive]),
};

const TABLE_BYTES = 64;

function layout(shape: Shape, {group}: LevelsParameters): Part[] {
	const {rows, columns} = padded(shape, group);
	return [
		{name: 'codes', bytes: (rows * columns) / 2},
		{name: 'scales', bytes: (2 * rows * columns) / group},
		{name: 'levels', bytes: TABLE_BYTES},
	];
}

export const nf4: Codec<LevelsParameters> = {
	id: 'nf4',
	byName: 'always',
	options(shape) {
		const options = groupsFor(shape).flatMap(group => (['nf4', 'fp4'] as const).map((levels): LevelsParameters => ({levels, bits: 4, group})));
		return options.sort((a, b) => bytesOfLayout(layout(shape, a)) - bytesOfLayout(layout(shape, b)) || b.group - a.group);
	},
	layout,
	encode(weight, parameters) {
		const {rows, columns} = padded(weight, parameters.group);
		const table = new Uint8Array(levelTables[parameters.levels].slice().buffer);
		const [codes, scales] = layout(weight, parameters).map(({bytes}) => new Uint8Array(bytes)) as [Uint8Array, Uint8Array];
		const run = kernels();
		for (const {first, count} of rowJobs(rows, columns, 16)) {
			const sizes = [codes, scales].map(part => (part.length / rows) * count) as [number, number];
			const [outCodes, outScales, w, levels] = run.layOut(...sizes, 4 * count * columns, TABLE_BYTES) as [number, number, number, number];
			const {buffer} = run.memory;
			stage(new Float32Array(buffer, w, count * columns), weight, first, columns, parameters.group);
			new Uint8Array(buffer, levels, TABLE_BYTES).set(table);
			run.call('encode_levels', outCodes, outScales, w, levels, count, columns, parameters.group);
			codes.set(new Uint8Array(buffer, outCodes, sizes[0]), (codes.length / rows) * first);
			scales.set(new Uint8Array(buffer, outScales, sizes[1]), (scales.length / rows) * first);
		}

		return [codes, scales, table];
	},
	decode([codes, scales, table], shape, {group}, first, count) {
		const columns = padded(shape, group).columns;
		const levels = new Float32Array(table!.slice().buffer);
		const out = new Float32Array(count * shape.columns);
		for (let row = first, at = 0; row < first + count; row++) {
			const start = (row >> 4) * 8 * columns + 2 * (row & 7);
			for (let column = 0; column < shape.columns; column++, at++) {
				const byte = codes![start + 16 * (column >> 1) + (column & 1)]!;
				const index = (((row >> 4) * columns) / group + Math.floor(column / group)) * 16 + (row & 15);
				out[at] = levels[(row & 8 ? byte >> 4 : byte) & 15]! * float16At(scales!, index);
			}
		}

		return out;
	},
	kernels({group}) {
		return {
			form: integerForm(group, 8),
			matvec: {kernel: `matvec_levels_${group}`, numbers: {}, time: 85},
			tile: {kernel: 'tile_levels', numbers: {group}, form: floatForm, time: 52, scratch: shape => 64 * padded(shape, group).columns},
			row: {kernel: 'row_levels', numbers: {group}},
		};
	},
};
