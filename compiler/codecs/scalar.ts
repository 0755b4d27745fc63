/**
 * Integers of 6 to 8 bits for integer dot products. w = scale × (code − zero), by groups of 32, 64 or 128 columns.
 *
 * Zero points are whole codes in a byte: with 64 codes and more, half a code of range is nothing, and zero itself stays exact. Codes
 * of 6 and 7 bits are sliced into nibbles, pairs and single bits, highest first, each a part. The layout is in
 * `runtime-wasm/kernels/scalar.h`.
 */
import {bytesOfLayout, type Codec, type InputForm, type Part, type Shape} from './codec.js';
import {decodeGroups, encodeGroups, groupsFor, padded, scaleParts, type IntegerParameters, type Packing} from './integer-groups.js';

export type ScalarParameters = IntegerParameters;

const FRACTION = 1;

type Slice = {readonly name: string; readonly from: number; readonly width: number};

const slices: Readonly<Record<number, readonly Slice[]>> = {
	6: [
		{name: 'nibbles', from: 2, width: 4},
		{name: 'pairs', from: 0, width: 2},
	],
	7: [
		{name: 'nibbles', from: 3, width: 4},
		{name: 'pairs', from: 1, width: 2},
		{name: 'bits', from: 0, width: 1},
	],
	8: [{name: 'codes', from: 0, width: 8}],
};

const sliceBytes = (shape: Shape, group: number, width: number): number => {
	const {rows, columns} = padded(shape, group);
	return (rows * columns * width) / 8;
};

const layout = (shape: Shape, {bits, group}: ScalarParameters): Part[] => [
	...slices[bits]!.map(({name, width}) => ({name, bytes: sliceBytes(shape, group, width)})),
	...scaleParts(shape, group),
];

export function int8Form({group}: ScalarParameters): InputForm {
	const size = Math.min(group, 64);
	// Blocks of 64 come in pairs, so that groups of 64 and 128 share the form.
	const unit = size === 64 ? 128 : size;
	return {id: `int8x${size}`, kernel: `form_int8x${size}`, bytes: columns => ((Math.ceil(columns / unit) * unit) / size) * (size + 16)};
}

export const scalar: Codec<ScalarParameters> = {
	id: 'scalar',
	options(shape) {
		const options = [6, 7, 8].flatMap(bits => groupsFor(shape).map(group => ({bits, group})));
		return options.sort((a, b) => bytesOfLayout(layout(shape, a)) - bytesOfLayout(layout(shape, b)) || a.bits - b.bits || b.group - a.group);
	},
	layout,
	encode(weight, parameters) {
		const packings = slices[parameters.bits]!.map(({from, width}): Packing => ({
			bytes: sliceBytes(weight, parameters.group, width),
			pack(run, out, codes, rows, columns) {
				run.call('encode_pack_slice', out, codes, rows, columns, from, width);
			},
		}));
		return encodeGroups(weight, parameters, FRACTION, packings);
	},
	decode(parts, shape, {bits, group}, first, count) {
		const list = slices[bits]!;
		const octets = padded(shape, group).columns / 8;
		return decodeGroups(parts[list.length]!, parts[list.length + 1]!, shape, group, FRACTION, first, count, (row, codes) => {
			codes.fill(0);
			const lane = 4 * (row & 3);
			for (const [index, {from, width}] of list.entries()) {
				const part = parts[index]!;
				const held = 8 / width;
				const mask = (1 << width) - 1;
				for (let column = 0; column < codes.length; column++) {
					const octet = (row >> 4) * octets + (column >> 3);
					const vector = (column & 4) + ((row & 15) >> 2);
					const byte = part[(octet * width + Math.floor(vector / held)) * 16 + lane + (column & 3)]!;
					codes[column]! |= ((byte >> (width * (vector % held))) & mask) << from;
				}
			}
		});
	},
	kernels(parameters) {
		const {bits, group} = parameters;
		return {
			form: int8Form(parameters),
			matvec: {kernel: `matvec_scalar${bits}_${group}`, numbers: {}},
			tile: {kernel: `tile_scalar${bits}`, numbers: {group}, scratch: shape => 64 * padded(shape, group).columns},
			row: {kernel: `row_scalar${bits}`, numbers: {group}},
		};
	},
};
