/**
 * Program + Plan → a WebAssembly module: the kernels that the program calls, and one exported function an entry.
 *
 * binaryen reads the built kernels, the entries are added as lines of calls (`entry.ts`), and what is unused is dropped. The memory is imported as `env.memory` with the plan's pages as minimum and maximum; it is declared
 * unshared, the loader sets the flag where it has threads. The file is kept free of names.
 */
import {readFileSync} from 'node:fs';
import {PAGE} from '../../compiler/bundle/format.js';
import {kernelFile} from '../../compiler/built-files.js';
import {setMemoryLimits} from '../../compiler/numeric/memory-limits.js';
import type {Plan} from '../../compiler/plan/memory.js';
import {BARRIER} from '../../compiler/plan/phases.js';
import type {Program} from '../../compiler/plan/program.js';
import type {Prototypes} from '../../compiler/plan/prototypes.js';
import {emitEntry, type Binaryen, type Module} from './entry.js';

export type Variant = 'plain' | 'relaxed';

export const variants: readonly Variant[] = ['plain', 'relaxed'];

export type Emitted = {readonly bytes: Uint8Array; readonly kernels: readonly string[]};

export async function emit(program: Program, plan: Plan, prototypes: Prototypes, variant: Variant): Promise<Emitted> {
	// 100 MB of JavaScript: loaded when it is needed.
	const {default: binaryen} = await import('binaryen');
	const module = binaryen.readBinary(new Uint8Array(readFileSync(kernelFile(`${variant}.wasm`))));
	try {
		const {SIMD128, BulkMemory, BulkMemoryOpt, NontrappingFPToInt, SignExt, Atomics, RelaxedSIMD} = binaryen.Features;
		module.setFeatures(SIMD128 | BulkMemory | BulkMemoryOpt | NontrappingFPToInt | SignExt | Atomics | (variant === 'relaxed' ? RelaxedSIMD : 0));
		const functions = exportedFunctions(binaryen, module);
		const used = new Set([...(program.threads > 1 ? [BARRIER] : []), ...program.entries.flatMap(({calls}) => calls.map(({kernel}) => kernel))]);
		for (const name of functions.keys()) {
			if (!used.has(name)) {
				module.removeExport(name);
			}
		}

		for (const entry of program.entries) {
			emitEntry({binaryen, module, entry, program, plan, prototypes, functions});
		}

		for (const name of used) {
			module.removeExport(name);
		}

		for (const {name} of program.entries) {
			module.addFunctionExport(name, name);
		}

		// Of hundreds of kernels a model uses twenty. Nothing more: clang has optimised the kernels, and moving their loads and sums about costs registers.
		module.runPasses(['remove-unused-module-elements']);
		if (!module.validate()) {
			throw new Error(`the ${variant} program is not valid WebAssembly`);
		}

		return {bytes: setMemoryLimits(module.emitBinary(), {minimum: plan.memory / PAGE, maximum: plan.memory / PAGE}), kernels: [...used].sort()};
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
