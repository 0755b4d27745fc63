/**
 * Times kernels in whatever engine runs this, Node or a page. Weights are copied until they are far larger than any cache, and calls
 * take turns over the copies, so that each reads its weight from memory, as a model with many layers does.
 */
import type {Parameter} from '../../../compiler/plan/prototypes.js';
import type {KernelCase} from './case.js';

const PAGE = 65_536;
/** Bytes of all copies of a weight together. */
const WORKING_SET = 67_000_000;
/** Milliseconds that a measurement takes at least. */
const PATIENCE = 150;
const ALIGNMENT = 256;

type Kernel = (...values: readonly number[]) => void;
export type Variant = 'plain' | 'relaxed';
export type Instance = {readonly memory: WebAssembly.Memory; readonly exports: WebAssembly.Exports};

export function instantiate(wasm: Uint8Array): Instance {
	const memory = new WebAssembly.Memory({initial: 1, maximum: PAGE});
	return {memory, exports: new WebAssembly.Instance(new WebAssembly.Module(wasm as BufferSource), {env: {memory}}).exports};
}

function layOut(memory: WebAssembly.Memory): (bytes: number) => number {
	let end = 1024;
	return bytes => {
		const address = end;
		end += Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
		const missing = Math.ceil((end - memory.buffer.byteLength) / PAGE);
		if (missing > 0) {
			memory.grow(missing);
		}

		return address;
	};
}

/** Arguments by the names of the parameters; the only thread where the kernel takes threads. */
const argumentsOf = (parameters: readonly Parameter[], values: Readonly<Record<string, number>>): number[] =>
	parameters.map(({name}) => {
		const value = name === 'thread' ? 0 : name === 'threads' ? 1 : values[name];
		if (value === undefined) {
			throw new Error(`no value for parameter '${name}'`);
		}

		return value;
	});

/** Microseconds of one call: the best of the passes over all copies, since other work on the machine only ever adds time. */
export function timeCase({memory, exports}: Instance, {kernel, parameters, numbers, buffers, form}: KernelCase, parts: readonly Uint8Array[]): number {
	const place = layOut(memory);
	const named: Record<string, number> = {...numbers};
	for (const [name, bytes] of Object.entries(buffers)) {
		named[name] = place(bytes);
		new Uint8Array(memory.buffer, named[name], bytes).fill(0);
	}

	if (form !== undefined || !('ids' in buffers)) {
		const wide = numbers['tokens'] ?? 1;
		const columns = numbers['columns']!;
		const vectors = form === undefined ? named['x']! : place(4 * wide * columns);
		new Float32Array(memory.buffer, vectors, wide * columns).set(Float32Array.from({length: wide * columns}, (_, index) => Math.sin(index)));
		if (form !== undefined) {
			(exports[form.kernel] as Kernel)(...argumentsOf(form.parameters, {out: named['x']!, x: vectors, tokens: wide, columns}));
		}
	}

	const size = parts.reduce((sum, part) => sum + part.length, 0);
	const reads = parameters.some(({name}) => name === 'parts');
	const copies = reads ? Math.ceil(WORKING_SET / size) : 1;
	const lists = Array.from({length: copies}, () => {
		const addresses = parts.map(part => place(part.length));
		const list = place(4 * parts.length);
		for (const [index, part] of parts.entries()) {
			new Uint8Array(memory.buffer, addresses[index], part.length).set(part);
		}

		new Uint32Array(memory.buffer, list, parts.length).set(addresses);
		return argumentsOf(parameters, {...named, parts: list});
	});
	if ('ids' in buffers) {
		const [count, rows] = [numbers['count']!, numbers['rows']!];
		new BigInt64Array(memory.buffer, named['ids'], count).set(BigInt64Array.from({length: count}, (_, index) => BigInt((index * 397) % rows)));
	}

	const call = exports[kernel] as Kernel;
	return best(() => {
		for (const values of lists) {
			call(...values);
		}

		return lists.length;
	});
}

/** Microseconds of one of the calls that `pass` makes and counts. */
function best(pass: () => number): number {
	const began = performance.now();
	let least = Infinity;
	// The first pass also makes the engine compile.
	for (let passes = 0; passes < 3 || performance.now() - began < PATIENCE; passes++) {
		const start = performance.now();
		let calls = 0;
		do {
			calls += pass();
		} while (performance.now() - start < 2);

		least = Math.min(least, ((performance.now() - start) * 1000) / calls);
	}

	return least;
}

/** Bytes a second that one thread reads from memory: sums 256 MB. */
export function readBandwidth(reader: Uint8Array): number {
	const bytes = 2 ** 28;
	const {memory, exports} = instantiate(reader);
	memory.grow(bytes / PAGE);
	new Uint8Array(memory.buffer).fill(1);
	return (
		bytes /
		(best(() => {
			(exports['sum'] as Kernel)(0, bytes);
			return 1;
		}) /
			1e6)
	);
}
