/**
 * Plain values and arrays of numbers as bytes: 32 bytes of SHA-256 of the rest; a JSON text and its length as u32; the arrays that the text
 * names.
 */
import {createHash} from 'node:crypto';

export type Entry = {readonly values: Readonly<Record<string, unknown>>; readonly arrays: readonly Uint8Array[]};

export function serialize({values, arrays}: Entry): Uint8Array {
	const text = new TextEncoder().encode(JSON.stringify({values, lengths: arrays.map(({byteLength}) => byteLength)}));
	const length = new Uint8Array(Uint32Array.of(text.length).buffer);
	const hash = createHash('sha256').update(length).update(text);
	for (const array of arrays) {
		hash.update(array);
	}

	return Buffer.concat([hash.digest(), length, text, ...arrays]);
}

/** @returns undefined for bytes that are not what was written. */
export function parse(bytes: Buffer): Entry | undefined {
	const body = bytes.subarray(32);
	if (body.length < 4 || !createHash('sha256').update(body).digest().equals(bytes.subarray(0, 32))) {
		return undefined;
	}

	const length = body.readUInt32LE(0);
	const {values, lengths} = JSON.parse(body.toString('utf8', 4, 4 + length)) as {values: Record<string, unknown>; lengths: number[]};
	let at = 4 + length;
	const arrays = lengths.map(size => {
		at += size;
		// A copy begins where numbers of four bytes may.
		return Uint8Array.from(body.subarray(at - size, at));
	});
	return {values, arrays};
}
