/**
 * A matrix that the model file holds as integer codes with a scale, and perhaps a zero point, for each block of a row. Nothing is
 * decoded before somebody reads it. Codes are packed with the first value in the low bits.
 */
import {createHash} from 'node:crypto';
import type {Constant, Tensor} from '../../graph/tensor.js';
import {toNumbers} from '../linear/numbers.js';

export type PackedSource = {
	readonly rows: number;
	readonly columns: number;
	readonly bits: number;
	/** Columns that share a scale; the last block of a row may be shorter. */
	readonly block: number;
	/** Codes, each row padded to `rowCodes` of them. */
	readonly rowCodes: number;
	codes(): Tensor;
	/** [rows, blocks], any float type. */
	scales(): Tensor;
	/** Packed like the codes, each row padded to whole bytes; or of a float type, [rows, blocks]. */
	zeros?(): Tensor;
	/** The zero where `zeros` is absent, in units of codes. */
	readonly defaultZero: number;
};

const bytesOf = ({data}: Tensor): Uint8Array => new Uint8Array(data.buffer, data.byteOffset, data.byteLength);

/** `count` codes of a packed row. */
function unpack(packed: Uint8Array, start: number, count: number, bits: number, out: Uint8Array, at: number): void {
	const perByte = 8 / bits;
	const mask = (1 << bits) - 1;
	for (let index = 0; index < count; index++) {
		out[at + index] = (packed[start + Math.floor(index / perByte)]! >> ((index % perByte) * bits)) & mask;
	}
}

export function packedMatrix(source: PackedSource): Constant {
	const {rows, columns, bits, block, rowCodes, defaultZero} = source;
	const blocks = Math.ceil(columns / block);
	const rowBytes = (rowCodes * bits) / 8;
	const scales = (): Float32Array => Float32Array.from(toNumbers(source.scales()));
	const zeros = (): Float32Array => {
		const tensor = source.zeros?.();
		if (!tensor) {
			return new Float32Array(rows * blocks).fill(defaultZero);
		}

		if (tensor.dtype !== 'uint8') {
			return Float32Array.from(toNumbers(tensor));
		}

		const unpacked = new Uint8Array(rows * blocks);
		const zeroBytes = Math.ceil((blocks * bits) / 8);
		for (let row = 0; row < rows; row++) {
			unpack(tensor.data as Uint8Array, row * zeroBytes, blocks, bits, unpacked, row * blocks);
		}

		return Float32Array.from(unpacked);
	};

	const codes = (first: number, count: number): Uint8Array => {
		const packed = bytesOf(source.codes());
		const unpacked = new Uint8Array(count * columns);
		for (let row = 0; row < count; row++) {
			unpack(packed, (first + row) * rowBytes, columns, bits, unpacked, row * columns);
		}

		return unpacked;
	};

	const hash = createHash('sha256').update(`${rows} ${columns} ${bits} ${block} ${defaultZero}`);
	for (const part of [source.codes(), source.scales(), source.zeros?.()]) {
		hash.update(part ? bytesOf(part) : '-');
	}

	return {
		dtype: 'float32',
		dims: [rows, columns],
		identity: `codes:${hash.digest('hex')}`,
		read() {
			const [scale, zero, code] = [scales(), zeros(), codes(0, rows)];
			const data = new Float32Array(rows * columns);
			for (let row = 0, at = 0; row < rows; row++) {
				for (let column = 0; column < columns; column++, at++) {
					const group = row * blocks + Math.floor(column / block);
					data[at] = (code[at]! - zero[group]!) * scale[group]!;
				}
			}

			return data;
		},
		...(columns % block === 0 ? {quantized: {bits, group: block, codes, scales, zeros}} : {}),
	};
}

/** An input that must be a constant, as a function that reads it anew. */
export function constantReader(
	context: {constant(index: number): Tensor | undefined; fail(problem: string, sides?: {expected?: string}): never},
	index: number,
	what: string,
): () => Tensor {
	if (!context.constant(index)) {
		context.fail(`input ${index} (${what}) must be a constant`, {expected: 'an initializer'});
	}

	return () => context.constant(index)!;
}
