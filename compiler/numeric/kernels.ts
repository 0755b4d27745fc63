/**
 * The project's own kernels for use at compile time: the plain variant in a memory of its own.
 *
 * Calls are synchronous; a caller lays out its arrays anew for each job, so nothing survives from one job to the next.
 */
import {existsSync, readFileSync} from 'node:fs';
import {fileURLToPath} from 'node:url';
import {SnugError} from '../error.js';
import {isThreaded, readPrototypes} from '../plan/prototypes.js';

const PAGE = 65_536;

/** Nothing is placed below, so that address 0 is never valid. */
const FIRST = 1024;

export type CompileKernels = {
	readonly memory: WebAssembly.Memory;
	/** Calls the C function of this name, as the only thread where it takes threads. */
	call(name: string, ...values: readonly number[]): void;
	/** Addresses for arrays of these sizes in bytes, each a multiple of 256; grows the memory. What was laid out before is forgotten. */
	layOut(...sizes: readonly number[]): number[];
};

/** Where the built kernels lie, for the sources and for the published package. */
function locate(): string {
	const candidates = ['../../dist/kernels/plain.wasm', '../../kernels/plain.wasm'].map(name => fileURLToPath(new URL(name, import.meta.url)));
	const found = candidates.find(name => existsSync(name));
	if (found === undefined) {
		throw new SnugError('no-kernels', {subject: 'kernels', problem: 'not built', expected: candidates[0]!, hint: 'run npm run build:kernels'});
	}

	return found;
}

export function instantiateKernels(wasm: Uint8Array): CompileKernels {
	const memory = new WebAssembly.Memory({initial: 1, maximum: PAGE});
	const {exports} = new WebAssembly.Instance(new WebAssembly.Module(wasm as BufferSource), {env: {memory}});
	return {
		memory,
		call(name, ...values) {
			const kernel = exports[name];
			if (typeof kernel !== 'function') {
				throw new SnugError('no-kernel', {subject: `kernel ${name}`, problem: 'not among the built kernels', hint: 'run npm run build:kernels'});
			}

			(kernel as (...values: readonly number[]) => void)(...values, ...(isThreaded(readPrototypes()[name]!) ? [0, 1] : []));
		},
		layOut(...sizes) {
			let end = FIRST;
			const addresses = sizes.map(size => {
				const address = end;
				end += Math.ceil(size / 256) * 256;
				return address;
			});
			const missing = Math.ceil((end - memory.buffer.byteLength) / PAGE);
			if (missing > 0) {
				memory.grow(missing);
			}

			return addresses;
		},
	};
}

let instance: CompileKernels | undefined;

export function kernels(): CompileKernels {
	instance ??= instantiateKernels(readFileSync(locate()));
	return instance;
}
