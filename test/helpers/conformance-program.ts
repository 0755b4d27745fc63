/** All cases of the backend suite in one WebAssembly program, and a way to run each of them there. */
import {openWeight} from '../../compiler/allocate/weights.js';
import {codecs} from '../../compiler/codecs/index.js';
import {evaluate, type Dim} from '../../compiler/graph/dim.js';
import {bytesOf, view} from '../../compiler/graph/dtype.js';
import {sizeOf, type Tensor} from '../../compiler/graph/tensor.js';
import {checkPlan} from '../../compiler/plan/check.js';
import {partName, planMemory, type Plan} from '../../compiler/plan/memory.js';
import {readPrototypes} from '../../compiler/plan/prototypes.js';
import {PAGE} from '../../compiler/bundle/format.js';
import {emit} from '../../targets/wasm/emit.js';
import type {PreparedCase} from './conformance-case.js';
import {mergePrograms, prefixed} from './merge-programs.js';

export type CaseProgram = {
	/** The outputs of a case; throws what its entry throws, and where it writes outside its own buffers. */
	run(name: string): Map<string, Tensor>;
};

/** Bytes that nothing wrote. */
const UNWRITTEN = 0xaa;

type Place = {readonly address: number; readonly bytes: number};

export async function buildCases(cases: readonly PreparedCase[]): Promise<CaseProgram> {
	const prototypes = readPrototypes();
	const program = mergePrograms(new Map(cases.map(({name, program}) => [name, program])));
	const plan = planMemory(program, prototypes);
	checkPlan(program, plan, prototypes);
	const {bytes} = await emit(program, plan, prototypes, 'plain');
	const pages = plan.memory / PAGE;
	const memory = new WebAssembly.Memory({initial: pages, maximum: pages});
	const {exports} = new WebAssembly.Instance(new WebAssembly.Module(bytes as BufferSource), {env: {memory}});
	const heap = new Uint8Array(memory.buffer);
	const blank = new Uint8Array(heap.length).fill(UNWRITTEN);
	const byName = new Map(cases.map(prepared => [prepared.name, prepared]));
	return {
		run(name) {
			const prepared = byName.get(name)!;
			const symbols = symbolsOf(prepared);
			heap.set(blank);
			const own = place(prepared, plan, heap);
			(exports[name] as (...values: number[]) => void)(...prepared.program.entries[0]!.symbols.map(symbol => symbols[symbol]!), 0, 1);
			checkOutside(heap, [...own, plan.arena, plan.argumentBlock], blank);
			return new Map(
				prepared.program.outputs.map(({name: output, dtype, shape, buffer}) => {
					const dims = shape.map(dim => evaluate(dim, symbols));
					const {address} = plan.fixed.get(prefixed(name, buffer!))!;
					return [output, {dtype, dims, data: view(dtype, heap.slice(address, address + sizeOf(dims) * bytesOf(dtype)))}];
				}),
			);
		},
	};
}

function symbolsOf({program, feeds}: PreparedCase): Record<string, number> {
	const read = ([axis, dim]: [number, Dim], feed: Tensor): Array<[string, number]> =>
		typeof dim === 'number' || !(dim.key in program.symbols) ? [] : [[dim.key, feed.dims[axis]!]];
	return Object.fromEntries(program.inputs.flatMap(({name, shape}) => [...shape.entries()].flatMap(entry => read(entry, feeds.get(name)!))));
}

/** Writes constants, weights and feeds of a case, and answers everything that belongs to the case alone. */
function place({name, program, weights, feeds}: PreparedCase, plan: Plan, heap: Uint8Array): Place[] {
	const write = ({address}: Place, data: ArrayBufferView): void => {
		heap.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), address);
	};

	const own = [...program.buffers.keys()].map(buffer => plan.fixed.get(prefixed(name, buffer))!);
	for (const [buffer, constant] of program.constants) {
		write(plan.fixed.get(prefixed(name, buffer))!, constant.read());
	}

	const table = new DataView(heap.buffer);
	for (const row of program.weights) {
		const weight = openWeight(weights.find(found => found.name === row.name)!);
		const rows = plan.table.rows.get(prefixed(name, row.name))!;
		for (const [index, {codec, parameters, parts}] of row.terms.entries()) {
			const encoded = codecs.get(codec)!.encode(weight, parameters);
			for (const [at, part] of parts.entries()) {
				const found = plan.parts.get(partName(prefixed(name, row.name), part.name))!;
				write(found, encoded[at]!);
				table.setUint32(plan.table.address + rows[index]! + 4 * at, found.address, true);
				own.push(found);
			}
		}

		own.push(plan.table);
	}

	for (const {name: input, buffer} of program.inputs) {
		if (buffer !== undefined) {
			write(plan.fixed.get(prefixed(name, buffer))!, feeds.get(input)!.data);
		}
	}

	return own;
}

function checkOutside(heap: Uint8Array, own: readonly Place[], blank: Uint8Array): void {
	let at = 0;
	for (const {address, bytes} of [...own, {address: heap.length, bytes: 0}].sort((a, b) => a.address - b.address)) {
		if (address > at && Buffer.compare(heap.subarray(at, address), blank.subarray(at, address)) !== 0) {
			const written = at + heap.subarray(at, address).findIndex(byte => byte !== UNWRITTEN);
			throw new Error(`address ${written} was written, which is not the case's own`);
		}

		at = Math.max(at, address + bytes);
	}
}
