/**
 * Integers of 2 and 3 bits as bit planes, for lookup kernels. w = scale × (code − zero / 8), by groups of 32, 64 or 128 columns or by rows.
 *
 * The two highest planes are a part whose neighbouring bytes are the planes of one row, the lowest of three is a part of its own. Zero
 * points count eighths of a code. The layout is in `runtime-wasm/kernels/planes.h`. Kernels after T-MAC (arXiv 2407.00088). From 4 bits
 * on integer dot products are faster: see `scalar.ts`.
 */
import {bytesOfLayout, type Codec, type InputForm, type Part, type Shape} from './codec.js';
import {narrowTileTime, tileForm, tileScratch} from './scalar.js';
import {
	decodeGroups,
	encodeGroups,
	groupKernel,
	groupsFor,
	padded,
	rowGroup,
	scaleParts,
	timeOfGroups,
	type IntegerParameters,
	type Packing,
} from './integer-groups.js';

export type PlanesParameters = IntegerParameters;

/** Zero points count eighths of a code. */
const FRACTION = 8;

const planeBytes = (shape: Shape, group: number): number => {
	const {rows, columns} = padded(shape, group);
	return (rows * columns) / 8;
};

type PlanePart = {readonly name: string; readonly from: number; readonly count: number};

/** Which planes lie in which part; the scales' parts follow. */
const held = (bits: number): readonly PlanePart[] => [{name: 'pairs', from: bits - 2, count: 2}, ...(bits === 3 ? [{name: 'plane', from: 0, count: 1}] : [])];

const layout = (shape: Shape, {bits, group}: PlanesParameters): Part[] => [
	...held(bits).map(({name, count}) => ({name, bytes: count * planeBytes(shape, group)})),
	...scaleParts(shape, group),
];

function tableForm(group: number): InputForm {
	const size = Math.min(group, 64);
	// Blocks of 64 come in pairs, so that groups of 64 and 128 share the form.
	const unit = size === 64 ? 128 : size;
	return {id: `table${size}`, kernel: `form_table${size}`, bytes: columns => ((Math.ceil(columns / unit) * unit) / size) * (4 * size + 16)};
}

/** Without groups, by bits; and what groups multiply it with. */
const MATVEC_TIMES: Readonly<Record<number, number>> = {2: 24, 3: 37};
const GROUPS = {128: 1.1, 64: 1.2, 32: 1.4} as const;

export const planes: Codec<PlanesParameters> = {
	id: 'planes',
	options(shape) {
		const options = [2, 3].flatMap(bits => [...groupsFor(shape), ...rowGroup(shape)].map(group => ({bits, group})));
		return options.sort((a, b) => bytesOfLayout(layout(shape, a)) - bytesOfLayout(layout(shape, b)) || a.bits - b.bits || b.group - a.group);
	},
	layout,
	encode(weight, parameters) {
		const bytes = planeBytes(weight, parameters.group);
		const packings = held(parameters.bits).map(({from, count}): Packing => ({
			bytes: count * bytes,
			pack(run, out, codes, rows, columns) {
				run.call('encode_pack_planes', out, codes, rows, columns, from, count);
			},
		}));
		return encodeGroups(weight, parameters, FRACTION, packings);
	},
	decode(parts, shape, {bits, group}, first, count) {
		const octets = padded(shape, group).columns / 8;
		const list = held(bits);
		return decodeGroups(parts[list.length]!, parts[list.length + 1]!, shape, group, FRACTION, first, count, (row, codes) => {
			codes.fill(0);
			for (const [index, {from, count: planesHeld}] of list.entries()) {
				for (let octet = 0; octet < octets; octet++) {
					for (let plane = 0; plane < planesHeld; plane++) {
						const byte = parts[index]![(((row >> 4) * octets + octet) * 16 + (row & 15)) * planesHeld + plane]!;
						for (let i = 0; i < 8; i++) {
							codes[8 * octet + i]! |= ((byte >> i) & 1) << (from + plane);
						}
					}
				}
			}
		});
	},
	kernels(parameters) {
		const {bits, group} = parameters;
		return {
			form: tableForm(group),
			matvec: {...groupKernel(`matvec_planes${bits}`, group), time: timeOfGroups(MATVEC_TIMES[bits]!, group, GROUPS)},
			tile: {
				kernel: `tile_planes${bits}`,
				numbers: {group},
				form: tileForm(group),
				time: narrowTileTime(bits, group),
				scratch: shape => tileScratch(shape, group),
			},
			row: {kernel: `row_planes${bits}`, numbers: {group}},
		};
	},
};
