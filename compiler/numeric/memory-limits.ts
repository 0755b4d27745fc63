/** Rewrites the limits of the one imported memory of a module (WebAssembly core specification, sections 5.5.5 and 5.3.8). */

const IMPORT_SECTION = 2;

/** In pages. */
export type MemoryLimits = {readonly minimum: number; readonly maximum: number; readonly shared?: boolean};

/** Of the flags of limits (threads proposal): there is a maximum; the memory is shared. */
const [BOUNDED, SHARED] = [1, 2];

export function setMemoryLimits(wasm: Uint8Array, limits: MemoryLimits): Uint8Array {
	let at = 8;
	while (at < wasm.length) {
		const id = wasm[at]!;
		const size = readUnsigned(wasm, at + 1);
		if (id === IMPORT_SECTION) {
			const body = rewriteImports(wasm.subarray(size.end, size.end + size.value), limits);
			return concat([wasm.subarray(0, at + 1), writeUnsigned(body.length), body, wasm.subarray(size.end + size.value)]);
		}

		at = size.end + size.value;
	}

	throw new Error('the module imports no memory');
}

function rewriteImports(section: Uint8Array, {minimum: least, maximum, shared}: MemoryLimits): Uint8Array {
	const count = readUnsigned(section, 0);
	let at = count.end;
	for (let index = 0; index < count.value; index++) {
		for (let text = 0; text < 2; text++) {
			const length = readUnsigned(section, at);
			at = length.end + length.value;
		}

		if (section[at] !== 2) {
			throw new Error('the module imports something other than a memory');
		}

		const flags = section[at + 1]!;
		const minimum = readUnsigned(section, at + 2);
		const end = flags & BOUNDED ? readUnsigned(section, minimum.end).end : minimum.end;
		const wanted = BOUNDED | (shared ? SHARED : 0);
		return concat([section.subarray(0, at + 1), Uint8Array.of(wanted), writeUnsigned(least), writeUnsigned(maximum), section.subarray(end)]);
	}

	throw new Error('the module imports no memory');
}

function readUnsigned(bytes: Uint8Array, at: number): {value: number; end: number} {
	let value = 0;
	for (let shift = 0; ; shift += 7) {
		const byte = bytes[at++]!;
		value += (byte & 127) * 2 ** shift;
		if (byte < 128) {
			return {value, end: at};
		}
	}
}

function writeUnsigned(value: number): Uint8Array {
	const bytes: number[] = [];
	do {
		bytes.push((value & 127) | (value > 127 ? 128 : 0));
		value = Math.floor(value / 128);
	} while (value > 0);

	return Uint8Array.from(bytes);
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
	const all = new Uint8Array(parts.reduce((sum, {length}) => sum + length, 0));
	let at = 0;
	for (const part of parts) {
		all.set(part, at);
		at += part.length;
	}

	return all;
}
