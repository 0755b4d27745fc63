/**
 * Integers of 2 to 5 bits as bit planes, for lookup kernels. w = scale × (code − zero / 8), by groups of 32, 64 or 128 columns.
 *
 * Every plane is a part, lowest bit first. Zero points count eighths of a code, so that the whole ones of 4-bit files and the 7.5 of
 * a symmetric grid are both exact. The layout is in `runtime-wasm/kernels/planes.h`. Kernels after T-MAC (arXiv 2407.00088).
 */
import {bytesOfLayout, type Codec, type InputForm, type Part, type Shape} from './codec.js';
import {decodeGroups, encodeGroups, groupsFor, padded, scaleParts, type IntegerParameters, type Packing} from './integer-groups.js';

export type PlanesParameters = IntegerParameters;

/** Zero points count eighths of a code. */
const FRACTION = 8;

/** Two tables, the second for what rounding leaves, from this many bits on. */
const FINE_BITS = 5;

const planeBytes = (shape: Shape, group: number): number => {
	const {rows, columns} = padded(shape, group);
	return (rows * columns) / 8;
};

function layout(shape: Shape, {bits, group}: PlanesParameters): Part[] {
	const bytes = planeBytes(shape, group);
	return [...Array.from({length: bits}, (_, plane) => ({name: `plane${plane}`, bytes})), ...scaleParts(shape, group)];
}

export function tableForm({bits, group}: PlanesParameters): InputForm {
	const size = Math.min(group, 64);
	const tables = bits < FINE_BITS ? 1 : 2;
	const name = `table${size}${tables === 1 ? '' : 'x2'}`;
	// Blocks of 64 come in pairs, so that groups of 64 and 128 share the form.
	const unit = size === 64 ? 128 : size;
	return {id: name, kernel: `form_${name}`, bytes: columns => ((Math.ceil(columns / unit) * unit) / size) * (4 * size * tables + 16)};
}

export const planes: Codec<PlanesParameters> = {
	id: 'planes',
	options(shape) {
		const options = [2, 3, 4, 5].flatMap(bits => groupsFor(shape).map(group => ({bits, group})));
		return options.sort((a, b) => bytesOfLayout(layout(shape, a)) - bytesOfLayout(layout(shape, b)) || a.bits - b.bits || b.group - a.group);
	},
	layout,
	encode(weight, parameters) {
		const bytes = planeBytes(weight, parameters.group);
		const packings = Array.from({length: parameters.bits}, (_, bit): Packing => ({
			bytes,
			pack(run, out, codes, rows, columns) {
				run.call('encode_pack_plane', out, codes, rows, columns, bit);
			},
		}));
		return encodeGroups(weight, parameters, FRACTION, packings);
	},
	decode(parts, shape, {bits, group}, first, count) {
		const octets = padded(shape, group).columns / 8;
		return decodeGroups(parts[bits]!, parts[bits + 1]!, shape, group, FRACTION, first, count, (row, codes) => {
			codes.fill(0);
			for (let bit = 0; bit < bits; bit++) {
				const plane = parts[bit]!;
				for (let octet = 0; octet < octets; octet++) {
					const byte = plane[((row >> 4) * octets + octet) * 16 + (row & 15)]!;
					for (let i = 0; i < 8; i++) {
						codes[8 * octet + i]! |= ((byte >> i) & 1) << bit;
					}
				}
			}
		});
	},
	kernels(parameters) {
		const {bits, group} = parameters;
		return {
			form: tableForm(parameters),
			matvec: {kernel: `matvec_planes${bits}_${group}`, numbers: {}},
			tile: {kernel: `tile_planes${bits}`, numbers: {group}, scratch: shape => 64 * padded(shape, group).columns},
			row: {kernel: `row_planes${bits}`, numbers: {group}},
		};
	},
};
