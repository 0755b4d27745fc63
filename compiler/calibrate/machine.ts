/**
 * Runs a program at compile time, call by call, on the plain kernels: what calibration looks into. The results are those of the emitted
 * module, whose entries are the same calls in a row.
 */
import {SnugError} from '../error.js';
import {evaluate, isNumber, type Dim} from '../graph/dim.js';
import {bytesOf, view, type DType} from '../graph/dtype.js';
import type {Spread} from '../numeric/kernels.js';
import {openTeam, type Team} from '../numeric/team.js';
import {align, partName, type Plan} from '../plan/memory.js';
import type {Argument, Entry, KernelCall, Program} from '../plan/program.js';
import {namedParameters, readPrototypes} from '../plan/prototypes.js';

/** The most that a WebAssembly memory holds. */
const LIMIT = 2 ** 32 - 65_536;

export type Symbols = Readonly<Record<string, number>>;

export type Machine = {
	readonly kernels: Team;
	/** The address of `bytes` zeros behind the plan; they stay. */
	reserve(bytes: number): number;
	/** Sets the parts of a weight's first term. */
	setWeight(name: string, parts: readonly Uint8Array[]): void;
	/** The parts of a weight's first term, where they lie. */
	partsOf(name: string): readonly Uint8Array[];
	/** Writes the elements of a buffer that outlives entries. */
	write(buffer: string, dtype: DType, elements: ArrayLike<number | bigint>): void;
	/** Runs the calls of an entry. */
	run(entry: string, symbols: Symbols, options?: RunOptions): void;
	/** The value of a call's argument. @param arena Of the activations; the plan's unless given. */
	valueOf(entry: string, argument: Argument, symbols: Symbols, arena?: number): number;
	/** Zeros of which every thread has `bytes` of its own. */
	reserveEach(bytes: number): Spread;
	/** Ends the other threads. */
	close(): void;
};

export type RunOptions = {
	/** Sees each call before it runs, and the numbers that its parameters receive. */
	before?(call: KernelCall, values: ReadonlyMap<string, number>): void;
	/** The calls from `first` up to `end`; all of them unless given. */
	readonly first?: number;
	readonly end?: number;
	/** Where the activations lie; where the plan lays them unless given. So several runs can stand side by side, each stopped midway. */
	readonly arena?: number;
};

/** Computes with as many threads as the program is for. */
export async function createMachine(program: Program, plan: Plan): Promise<Machine> {
	const team = await openTeam(program.threads);
	try {
		return machineOf(team, program, plan);
	} catch (error) {
		team.close();
		throw error;
	}
}

function machineOf(kernels: Team, program: Program, plan: Plan): Machine {
	const prototypes = readPrototypes();
	let end = 0;
	const reserve = (bytes: number): number => {
		const address = end;
		end = align(end + bytes);
		if (end > LIMIT) {
			throw new SnugError('calibration-too-large', {
				subject: 'the model',
				problem: 'does not fit a WebAssembly memory with its statistics',
				expected: `at most ${LIMIT} bytes`,
				found: `${end} bytes`,
				hint: 'calibrate on fewer or smaller samples, or compile with --no-refine or --calibration none',
			});
		}

		const missing = Math.ceil((end - kernels.memory.buffer.byteLength) / 65_536);
		if (missing > 0) {
			kernels.memory.grow(missing);
		}

		return address;
	};

	reserve(plan.memory);
	const bytes = (): Uint8Array => new Uint8Array(kernels.memory.buffer);
	for (const [buffer, constant] of program.constants) {
		const data = constant.read();
		bytes().set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), plan.fixed.get(buffer)!.address);
	}

	for (const row of program.weights) {
		const start = plan.table.address + plan.table.rows.get(row.name)![0]!;
		const table = new Uint32Array(kernels.memory.buffer, start, row.terms[0]!.parts.length);
		for (const [index, part] of row.terms[0]!.parts.entries()) {
			table[index] = plan.parts.get(partName(row.name, part.name))!.address;
		}
	}

	const entryOf = (name: string): Entry => program.entries.find(entry => entry.name === name)!;
	const valueOf = (entry: string, argument: Argument, symbols: Symbols, arena: number = plan.arena.address): number => {
		switch (argument.kind) {
			case 'number': {
				return isNumber(argument.value) ? argument.value : numberOf(argument.value, symbols);
			}

			case 'buffer': {
				const activation = plan.activations.get(entry)!.get(argument.buffer);
				const address = activation ? activation.address - plan.arena.address + arena : plan.fixed.get(argument.buffer)!.address;
				return address + numberOf(argument.offset, symbols);
			}

			case 'parts': {
				return plan.table.address + plan.table.rows.get(argument.weight)![argument.term]!;
			}

			case 'numbers': {
				throw new Error('a list of numbers has an address only within its call');
			}
		}
	};

	return {
		kernels,
		reserve,
		reserveEach(bytes) {
			const stride = align(bytes);
			return {address: reserve(stride * kernels.threads), stride};
		},
		close() {
			kernels.close();
		},
		setWeight(name, parts) {
			const row = program.weights.find(weight => weight.name === name)!;
			for (const [index, part] of row.terms[0]!.parts.entries()) {
				bytes().set(parts[index]!, plan.parts.get(partName(name, part.name))!.address);
			}
		},
		partsOf(name) {
			const row = program.weights.find(weight => weight.name === name)!;
			return row.terms[0]!.parts.map(part => {
				const {address, bytes: length} = plan.parts.get(partName(name, part.name))!;
				return bytes().subarray(address, address + length);
			});
		},
		write(buffer, dtype, elements) {
			const {address} = plan.fixed.get(buffer)!;
			const data = view(dtype, bytes().subarray(address, address + elements.length * bytesOf(dtype)));
			for (let index = 0; index < elements.length; index++) {
				data[index] = dtype === 'int64' || dtype === 'uint64' ? BigInt(elements[index]!) : Number(elements[index]!);
			}
		},
		run(name, symbols, {before, first, end: last, arena} = {}) {
			for (const call of entryOf(name).calls.slice(first, last)) {
				let block = plan.argumentBlock.address;
				const values = namedParameters(prototypes[call.kernel]!).map((parameter): readonly [string, number | Spread] => {
					const argument = call.arguments[parameter.name]!;
					if (argument.kind === 'numbers') {
						const start = block;
						new Int32Array(kernels.memory.buffer, start, argument.values.length).set(argument.values.map(value => numberOf(value, symbols)));
						block += 4 * argument.values.length;
						return [parameter.name, start];
					}

					const address = valueOf(name, argument, symbols, arena);
					const apart = argument.kind === 'buffer' && argument.threadStride !== undefined;
					return [parameter.name, apart ? {address, stride: numberOf(argument.threadStride, symbols)} : address];
				});
				before?.(call, new Map(values.map(([parameter, value]) => [parameter, typeof value === 'number' ? value : value.address])));
				kernels.call(call.kernel, ...values.map(([, value]) => value));
			}
		},
		valueOf,
	};
}

/** As entries compute it: integers beyond an i32 (INT64_MAX as "to the end") are clamped. */
const numberOf = (dim: Dim, symbols: Symbols): number => Math.max(-(2 ** 31), Math.min(2 ** 31 - 1, evaluate(dim, symbols)));
