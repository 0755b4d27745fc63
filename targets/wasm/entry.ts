/**
 * One entry as a function (symbols…, thread, threads), which every thread calls: straight lines of kernel calls, those that threads do
 * not share only on thread 0, and a barrier behind each phase.
 */
import {SnugError} from '../../compiler/error.js';
import {fold, type Dim} from '../../compiler/graph/dim.js';
import type {Plan} from '../../compiler/plan/memory.js';
import {BARRIER} from '../../compiler/plan/phases.js';
import type {Argument, Entry, KernelCall, Program} from '../../compiler/plan/program.js';
import {isThreaded, namedParameters, type Prototypes} from '../../compiler/plan/prototypes.js';

export type Binaryen = typeof import('binaryen').default;
export type Module = import('binaryen').default.Module;

type Around = {
	readonly binaryen: Binaryen;
	readonly module: Module;
	readonly entry: Entry;
	readonly program: Program;
	readonly plan: Plan;
	readonly prototypes: Prototypes;
	/** Internal names, by kernel. */
	readonly functions: ReadonlyMap<string, string>;
};

export function emitEntry(around: Around): void {
	const {binaryen, module, entry, program, plan, functions} = around;
	const thread = (): number => module.local.get(entry.symbols.length, binaryen.i32);
	const threads = (): number => module.local.get(entry.symbols.length + 1, binaryen.i32);
	const block = (body: number[]): number => module.block(null, body, binaryen.none);
	const body: number[] = [];
	for (const {first, end, shared} of plan.phases.get(entry.name)!) {
		let alone: number[] = [];
		const flush = (): void => {
			if (alone.length > 0) {
				body.push(program.threads === 1 ? block(alone) : module.if(module.i32.eqz(thread()), block(alone)));
				alone = [];
			}
		};

		for (let index = first; index < end; index++) {
			if (shared.has(index)) {
				flush();
				body.push(...emitCall(around, entry.calls[index]!, {thread, threads}));
			} else {
				alone.push(...emitCall(around, entry.calls[index]!, undefined));
			}
		}

		flush();
		if (program.threads > 1) {
			body.push(module.call(functions.get(BARRIER)!, [module.i32.const(plan.barrier.address), threads()], binaryen.none));
		}
	}

	const parameters = binaryen.createType([...entry.symbols, 'thread', 'threads'].map(() => binaryen.i32));
	module.addFunction(entry.name, parameters, binaryen.none, [], block(body));
}

type Threads = {thread(): number; threads(): number};

/** @param all The thread's number and how many there are, where all call; else it is thread 0 alone. */
function emitCall(around: Around, call: KernelCall, all: Threads | undefined): number[] {
	const {binaryen, module, entry, plan, prototypes, functions} = around;
	const target = functions.get(call.kernel);
	if (target === undefined) {
		throw new SnugError('missing-kernel', {
			subject: call.node,
			problem: `there is no kernel '${call.kernel}'`,
			hint: 'write it under runtime-wasm/kernels and run npm run build',
		});
	}

	const i32 = (dim: Dim): number => dimension(binaryen, module, dim, entry);
	/** An address, moved by a stride for each thread. */
	const ofThread = (address: number, stride: Dim): number =>
		all && stride !== 0 ? module.i32.add(address, module.i32.mul(all.thread(), i32(stride))) : address;
	const activations = plan.activations.get(entry.name)!;
	const stores: number[] = [];
	const {stride} = plan.argumentBlock;
	let block = plan.argumentBlock.address;
	const prototype = prototypes[call.kernel]!;
	const operands = namedParameters(prototype).map(({name, type}) => {
		const argument: Argument = call.arguments[name]!;
		switch (argument.kind) {
			case 'number': {
				return type === 'f32' ? module.f32.const(argument.value as number) : i32(argument.value);
			}

			case 'numbers': {
				const start = block;
				for (const value of argument.values) {
					stores.push(module.i32.store(0, 4, ofThread(module.i32.const(block), stride), i32(value)));
					block += 4;
				}

				return ofThread(module.i32.const(start), stride);
			}

			case 'buffer': {
				const {address} = activations.get(argument.buffer) ?? plan.fixed.get(argument.buffer)!;
				const {offset, threadStride = 0} = argument;
				return ofThread(typeof offset === 'number' ? i32(address + offset) : module.i32.add(i32(address), i32(offset)), threadStride);
			}

			case 'parts': {
				return module.i32.const(plan.table.address + plan.table.rows.get(argument.weight)![argument.term]!);
			}
		}
	});
	const share = isThreaded(prototype) ? (all ? [all.thread(), all.threads()] : [i32(0), i32(1)]) : [];
	return [...stores, module.call(target, [...operands, ...share], binaryen.none)];
}

/** An i32 expression; integers beyond its range (INT64_MAX as "to the end") are clamped. */
function dimension(binaryen: Binaryen, module: Module, dim: Dim, entry: Entry): number {
	const {i32} = module;
	return fold<number>(dim, {
		number(value) {
			if (!Number.isInteger(value)) {
				throw new Error(`${entry.name}: ${value} is passed where a kernel takes an integer`);
			}

			return i32.const(Math.max(-(2 ** 31), Math.min(2 ** 31 - 1, value)));
		},
		symbol(name) {
			const index = entry.symbols.indexOf(name);
			if (index < 0) {
				throw new Error(`${entry.name} has no symbol '${name}' (${entry.symbols.join(', ')})`);
			}

			return module.local.get(index, binaryen.i32);
		},
		binary(kind, left, right) {
			switch (kind) {
				case 'add': {
					return i32.add(left, right);
				}

				case 'multiply': {
					return i32.mul(left, right);
				}

				// Dimensions are not negative where they are divided.
				case 'floordiv': {
					return i32.div_s(left, right);
				}

				case 'mod': {
					return i32.rem_s(left, right);
				}

				case 'min':
				case 'max': {
					const copyLeft = module.copyExpression(left);
					const copyRight = module.copyExpression(right);
					return module.select(kind === 'min' ? i32.lt_s(left, right) : i32.gt_s(left, right), copyLeft, copyRight);
				}
			}
		},
	});
}
