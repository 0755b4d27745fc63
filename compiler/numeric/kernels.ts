/**
 * The project's own kernels for use at compile time: the plain variant in a memory of its own.
 *
 * Calls are synchronous; a caller lays out its arrays anew for each job, so nothing survives from one job to the next.
 */
import {readFileSync} from 'node:fs';
import {SnugError} from '../error.js';
import {kernelFile} from '../built-files.js';
import {isThreaded, readPrototypes} from '../plan/prototypes.js';

export const PAGE = 65_536;

/** Nothing is placed below, so that address 0 is never valid. */
const FIRST = 1024;

/** An address of which every thread has its own, `stride` bytes apart. */
export type Spread = {readonly address: number; readonly stride: number};

export type CompileKernels = {
	readonly memory: WebAssembly.Memory;
	/** That share the work of kernels which take threads. */
	readonly threads: number;
	/** Calls the C function of this name. */
	call(name: string, ...values: ReadonlyArray<number | Spread>): void;
	/** Addresses for arrays of these sizes in bytes, each a multiple of 256; grows the memory. What was laid out before is forgotten. */
	layOut(...sizes: readonly number[]): number[];
};

/** The plain variant, whose memory is imported. */
export const readKernels = (): Uint8Array => readFileSync(kernelFile('plain.wasm'));

/** The kernels over a memory. Where one takes threads, its number and how many they are come last. */
export function instantiate(module: WebAssembly.Module, memory: WebAssembly.Memory): {call(name: string, ...values: readonly number[]): void} {
	const {exports} = new WebAssembly.Instance(module, {env: {memory}});
	return {
		call(name, ...values) {
			const kernel = exports[name];
			if (typeof kernel !== 'function') {
				throw new SnugError('no-kernel', {subject: `kernel ${name}`, problem: 'not among the built kernels', hint: 'run npm run build:kernels'});
			}

			(kernel as (...values: readonly number[]) => void)(...values);
		},
	};
}

export function instantiateKernels(wasm: Uint8Array): CompileKernels {
	const memory = new WebAssembly.Memory({initial: 1, maximum: PAGE});
	const {call} = instantiate(new WebAssembly.Module(wasm as BufferSource), memory);
	const prototypes = readPrototypes();
	return {
		memory,
		threads: 1,
		call(name, ...values) {
			const prototype = prototypes[name];
			call(name, ...values.map(value => (typeof value === 'number' ? value : value.address)), ...(prototype && isThreaded(prototype) ? [0, 1] : []));
		},
		layOut: layOutIn(memory),
	};
}

/** Lays out arrays in a memory from its beginning. */
export const layOutIn =
	(memory: WebAssembly.Memory): CompileKernels['layOut'] =>
	(...sizes) => {
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
	};

let instance: CompileKernels | undefined;

/** Those of this thread, or what stands in their place. */
export function kernels(): CompileKernels {
	instance ??= instantiateKernels(readKernels());
	return instance;
}

/** Does some work with other kernels in the place of this thread's own. */
export function withKernels<T>(others: CompileKernels, work: () => T): T {
	const own = instance;
	instance = others;
	try {
		return work();
	} finally {
		instance = own;
	}
}
