/**
 * Makes the variants of a program equally long, by a custom section that engines skip, so that the bytes a model holds are the same
 * figure whichever variant a page fetches.
 */

/** Id, a size of two bytes (LEB128 may be longer than it must), and an empty name. */
const HEADER = 4;

export function equalLength<K extends string>(modules: Readonly<Record<K, Uint8Array>>): Record<K, Uint8Array> {
	const longest = Math.max(...Object.values<Uint8Array>(modules).map(({length}) => length));
	const target = Math.ceil((longest + HEADER) / 16) * 16;
	return Object.fromEntries(Object.entries<Uint8Array>(modules).map(([name, bytes]) => [name, lengthen(bytes, target)])) as Record<K, Uint8Array>;
}

function lengthen(bytes: Uint8Array, target: number): Uint8Array {
	const size = target - bytes.length - HEADER + 1;
	if (size > 0x3fff) {
		throw new Error(`variants of a program differ by ${size} bytes: expected less than 16 KiB`);
	}

	const out = new Uint8Array(target);
	out.set(bytes);
	out.set([0, (size & 127) | 128, size >> 7, 0], bytes.length);
	return out;
}
