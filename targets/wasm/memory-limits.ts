/** Rewrites the limits of the one imported memory of a module (WebAssembly core specification, sections 5.5.5 and 5.3.8). */

const IMPORT_SECTION = 2;

/** @param pages Minimum and maximum of the memory. */
export function setMemoryLimits(wasm: Uint8Array, pages: number): Uint8Array {
	let at = 8;
	while (at < wasm.length) {
		const id = wasm[at]!;
		const size = readUnsigned(wasm, at + 1);
		if (id === IMPORT_SECTION) {
			const body = rewriteImports(wasm.subarray(size.end, size.end + size.value), pages);
			return concat([wasm.subarray(0, at + 1), writeUnsigned(body.length), body, wasm.subarray(size.end + size.value)]);
		}

		at = size.end + size.value;
	}

	throw new Error('the module imports no memory');
}

function rewriteImports(section: Uint8Array, pages: number): Uint8Array {
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
		const end = flags & 1 ? readUnsigned(section, minimum.end).end : minimum.end;
		return concat([section.subarray(0, at + 1), Uint8Array.of(flags | 1), writeUnsigned(pages), writeUnsigned(pages), section.subarray(end)]);
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
