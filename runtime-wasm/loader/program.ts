/** The program's file as a module and an instance; with a shared memory, its one import is declared so. */
import type {FileEntry} from '../../compiler/bundle/format.js';
import {SnugError} from '../../compiler/error.js';
import {isShared} from './memory.js';
import type {Source} from './source.js';

export async function startProgram(
	source: Source,
	file: FileEntry,
	memory: WebAssembly.Memory,
	onBytes: (count: number) => void,
): Promise<{module: WebAssembly.Module; exports: WebAssembly.Exports}> {
	const bytes = await source.read(file, onBytes);
	try {
		if (isShared(memory)) {
			shareMemory(bytes);
		}

		const module = await WebAssembly.compile(bytes as BufferSource);
		const foreign = WebAssembly.Module.imports(module).find(entry => `${entry.module}.${entry.name}` !== 'env.memory');
		if (foreign) {
			throw new SnugError('bad-program', {
				subject: source.urlOf(file).href,
				problem: 'the program imports more than memory',
				found: `${foreign.module}.${foreign.name}`,
			});
		}

		const {exports} = await WebAssembly.instantiate(module, {env: {memory}});
		return {module, exports};
	} catch (error) {
		throw error instanceof SnugError
			? error
			: new SnugError(
					'bad-program',
					{
						subject: source.urlOf(file).href,
						problem: `the program cannot be started (${error instanceof Error ? error.message : String(error)})`,
						hint: "a content security policy must allow 'wasm-unsafe-eval'; else compile the model again",
					},
					{cause: error},
				);
	}
}

const importSection = 2;
/** Of the limits of a memory (threads proposal): it has a maximum; it is shared. */
const limits = {maximum: 1, shared: 2} as const;

/** Turns the import of a memory, the module's only one, into that of a shared memory with the same limits; else there is nothing to do. */
export function shareMemory(wasm: Uint8Array): void {
	let at = 8;
	const unsigned = (): number => {
		let value = 0;
		for (let shift = 0; ; shift += 7) {
			const byte = wasm[at++] ?? 0;
			value += (byte & 127) * 2 ** shift;
			if (byte < 128) {
				return value;
			}
		}
	};

	while (at < wasm.length) {
		const id = wasm[at++];
		const size = unsigned();
		if (id !== importSection) {
			at += size;
			continue;
		}

		const count = unsigned();
		for (let name = 0; name < 2; name++) {
			const length = unsigned();
			at += length;
		}

		// Kind 2 is a memory.
		if (count === 1 && wasm[at] === 2 && wasm[at + 1] === limits.maximum) {
			wasm[at + 1] = limits.maximum | limits.shared;
		}

		return;
	}
}
