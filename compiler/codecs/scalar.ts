/**
 * Integers of 4 to 8 bits for integer dot products. w = scale × (code − zero / fraction), by groups of 32, 64 or 128 columns, and with 4, 5
 * and 8 bits by rows.
 *
 * Zero points are a byte. From 6 bits on they are whole codes: with 64 codes and more, half a code of range is nothing, and zero itself
 * stays exact. Below they count eighths, so that the whole ones of 4-bit files and the 7.5 of a symmetric grid are both exact. Codes
 * are sliced into nibbles, pairs and single bits, highest first, each a part. The layout is in `runtime-wasm/kernels/scalar.h`.
 */
import {bytesOfLayout, type Codec, type InputForm, type Part, type Shape} from './codec.js';
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

export type ScalarParameters = IntegerParameters;

const fractionOf = (bits: number): number => (bits < 6 ? 8 : 1);

type Slice = {readonly name: string; readonly from: number; readonly width: number};

const slices: Readonly<Record<number, readonly Slice[]>> = {
	4: [{name: 'nibbles', from: 0, width: 4}],
	5: [
		{name: 'nibbles', from: 1, width: 4},
		{name: 'bits', from: 0, width: 1},
	],
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

/** Inputs rounded to 8 or 16 bits with a scale for each block of 64 or 32. */
export function integerForm(group: number, inputBits: 8 | 16): InputForm {
	const size = Math.min(group, 64);
	// Blocks of 64 come in pairs, so that groups of 64 and 128 share the form.
	const unit = size === 64 ? 128 : size;
	const name = `int${inputBits}x${size}`;
	return {id: name, kernel: `form_${name}`, bytes: columns => ((Math.ceil(columns / unit) * unit) / size) * ((size * inputBits) / 8 + 16)};
}

/** The form of many vectors for the tile kernels, four side by side. The plain variant widens integers of 8 bits, so both have room for 16. */
export function tileForm(group: number): InputForm {
	const {id} = integerForm(group, 8);
	return {id: `tile_${id}`, kernel: `form_tile_${id}`, bytes: integerForm(group, 16).bytes, together: 4};
}

/** The same for codes of 8 bits: integers of 16 bits with one scale a vector, whatever the groups of the code. */
export const wideTileForm: InputForm = {id: 'tile_int16', kernel: 'form_tile_int16', bytes: columns => 2 * 128 * Math.ceil(columns / 128) + 4, together: 4};

/** Scratch of an integer tile: codes of 16 rows, widened to 16 bits in plain SIMD, and two f32 for each row and group. */
export function tileScratch(shape: Shape, group: number): number {
	const {columns} = padded(shape, group);
	return 32 * columns + (128 * columns) / group;
}

/** Without groups, by bits; and what groups multiply it with: integer sums go to f32 and back to memory at their ends. */
const MATVEC_TIMES: Readonly<Record<number, number>> = {4: 49, 5: 85, 6: 74, 7: 117, 8: 95};
const TILE_TIMES: Readonly<Record<number, number>> = {4: 20.5, 5: 21, 6: 24.5, 7: 26, 8: 28};
const GROUPS = {matvec: {128: 1.03, 64: 1.12, 32: 1.22}, tile: {128: 1, 64: 1.02, 32: 1.22}, wideTile: {128: 1.04, 64: 1.13, 32: 1.33}} as const;

/** Tiles of 2 and 3 bits are decoded to the bytes of 4. */
export const narrowTileTime = (bits: number, group: number): number => timeOfGroups(TILE_TIMES[Math.max(bits, 4)]!, group, GROUPS.tile);

/** Bits with kernels for long groups: few bits, whose scales weigh most, and 8, whose products are fastest in long runs. */
const LONG = [4, 5, 8];

export const scalar: Codec<ScalarParameters> = {
	id: 'scalar',
	options(shape) {
		const options = [4, 5, 6, 7, 8].flatMap(bits => [...groupsFor(shape), ...(LONG.includes(bits) ? rowGroup(shape) : [])].map(group => ({bits, group})));
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
		return encodeGroups(weight, parameters, fractionOf(parameters.bits), packings);
	},
	decode(parts, shape, {bits, group}, first, count) {
		const list = slices[bits]!;
		const octets = padded(shape, group).columns / 8;
		return decodeGroups(parts[list.length]!, parts[list.length + 1]!, shape, group, fractionOf(bits), first, count, (row, codes) => {
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
		// Codes of 8 bits are 16-bit operands anyway, and then so may the inputs be.
		const form = integerForm(group, bits < 8 ? 8 : 16);
		return {
			form,
			matvec: {...groupKernel(`matvec_scalar${bits}`, group), time: timeOfGroups(MATVEC_TIMES[bits]!, group, GROUPS.matvec)},
			tile: {
				kernel: `tile_scalar${bits}`,
				numbers: {group},
				form: bits < 8 ? tileForm(group) : wideTileForm,
				time: bits < 8 ? narrowTileTime(bits, group) : timeOfGroups(TILE_TIMES[bits]!, group, GROUPS.wideTile),
				scratch: shape => tileScratch(shape, group),
			},
			row: {kernel: `row_scalar${bits}`, numbers: {group}},
		};
	},
};
