/**
 * Program + Plan → a WebAssembly module: the kernels that the program calls, and one exported function an entry.
 *
 * binaryen reads the built kernels, the entries are added as straight lines of calls, and optimisation drops what is unused and
 * specialises what is constant. The memory is imported as `env.memory` with the plan's pages as minimum and maximum; it is declared
 * unshared, the loader sets the flag where it has threads. The file is kept free of names.
 */
import {readFileSync} from 'node:fs';
import {PAGE} from '../../compiler/bundle/format.js';
import {fold, type Dim} from '../../compiler/graph/dim.js';
import {SnugError} from '../../compiler/error.js';
import {kernelFile} from '../../compiler/plan/kernel-files.js';
import type {Plan} from '../../compiler/plan/memory.js';
import type {Argument, Entry, KernelCall, Program} from '../../compiler/plan/program.js';
import {isThreaded, namedParameters, type Prototypes} from '../../compiler/plan/prototypes.js';
import {setMemoryLimits} from './memory-limits.js';

export type Variant = 'plain' | 'relaxed';

export const variants: readonly Variant[] = ['plain', 'relaxed'];

type Binaryen = typeof import('binaryen').default;
type Module = import('binaryen').default.Module;

export type Emitted = {readonly bytes: Uint8Array; readonly kernels: readonly string[]};

export async function emit(program: Program, plan: Plan, prototypes: Prototypes, variant: Variant): Promise<Emitted> {
	// 100 MB of JavaScript: loaded when it is needed.
	const {default: binaryen} = await import('binaryen');
	const module = binaryen.readBinary(new Uint8Array(readFileSync(kernelFile(`${variant}.wasm`))));
	try {
		const {SIMD128, BulkMemory, BulkMemoryOpt, NontrappingFPToInt, SignExt, RelaxedSIMD} = binaryen.Features;
		module.setFeatures(SIMD128 | BulkMemory | BulkMemoryOpt | NontrappingFPToInt | SignExt | (variant === 'relaxed' ? RelaxedSIMD : 0));
		const functions = exportedFunctions(binaryen, module);
		const used = new Set(program.entries.flatMap(({calls}) => calls.map(({kernel}) => kernel)));
		for (const name of functions.keys()) {
			if (!used.has(name)) {
				module.removeExport(name);
			}
		}

		// Hundreds of kernels, of which a model uses twenty: optimise only those.
		module.runPasses(['remove-unused-module-elements']);
		for (const entry of program.entries) {
			const body = entry.calls.flatMap(call => emitCall(binaryen, module, call, entry, plan, prototypes, functions));
			module.addFunction(entry.name, binaryen.createType(entry.symbols.map(() => binaryen.i32)), binaryen.none, [], module.block(null, body, binaryen.none));
		}

		for (const name of used) {
			module.removeExport(name);
		}

		for (const {name} of program.entries) {
			module.addFunctionExport(name, name);
		}

		binaryen.setOptimizeLevel(3);
		binaryen.setShrinkLevel(1);
		module.optimize();
		if (!module.validate()) {
			throw new Error(`the ${variant} program is not valid WebAssembly`);
		}

		return {bytes: setMemoryLimits(module.emitBinary(), plan.memory / PAGE), kernels: [...used].sort()};
	} finally {
		module.dispose();
	}
}

function exportedFunctions(binaryen: Binaryen, module: Module): Map<string, string> {
	const functions = new Map<string, string>();
	for (let index = 0; index < module.getNumExports(); index++) {
		const {kind, name, value} = binaryen.getExportInfo(module.getExportByIndex(index));
		if (kind === binaryen.ExternalFunction) {
			functions.set(name, value);
		}
	}

	return functions;
}

function emitCall(
	binaryen: Binaryen,
	module: Module,
	call: KernelCall,
	entry: Entry,
	plan: Plan,
	prototypes: Prototypes,
	functions: ReadonlyMap<string, string>,
): number[] {
	const target = functions.get(call.kernel);
	if (target === undefined) {
		throw new SnugError('missing-kernel', {
			subject: call.node,
			problem: `there is no kernel '${call.kernel}'`,
			hint: 'write it under runtime-wasm/kernels and run npm run build',
		});
	}

	const i32 = (dim: Dim): number => dimension(binaryen, module, dim, entry);
	const activations = plan.activations.get(entry.name)!;
	const stores: number[] = [];
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
					stores.push(module.i32.store(0, 4, module.i32.const(block), i32(value)));
					block += 4;
				}

				return module.i32.const(start);
			}

			case 'buffer': {
				const {address} = activations.get(argument.buffer) ?? plan.fixed.get(argument.buffer)!;
				return typeof argument.offset === 'number' ? i32(address + argument.offset) : module.i32.add(i32(address), i32(argument.offset));
			}

			case 'parts': {
				return module.i32.const(plan.table.address + plan.table.rows.get(argument.weight)![argument.term]!);
			}
		}
	});
	const threads = isThreaded(prototype) ? [module.i32.const(0), module.i32.const(1)] : [];
	return [...stores, module.call(target, [...operands, ...threads], binaryen.none)];
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
