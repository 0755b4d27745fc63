/**
 * Builds the kernels: every `kernels/*.c`, in a plain and a relaxed SIMD variant, with the clang that npm brings.
 *
 * Writes `dist/kernels/{plain,relaxed}.wasm` and `prototypes.json`, the parameters of every exported function in order. Objects are
 * cached by content under `.cache/kernels`. Kernels must not need anything: no import but `env.memory`, no data, no stack.
 */
import {createHash} from 'node:crypto';
import {mkdirSync, readdirSync, readFileSync, writeFileSync, existsSync} from 'node:fs';
import {fileURLToPath} from 'node:url';
import path from 'node:path';
import {runClang, runLLVM, type Tree} from '@yowasp/clang';

const root = fileURLToPath(new URL('..', import.meta.url));
const source = path.join(root, 'runtime-wasm/kernels');
const output = path.join(root, 'dist/kernels');
const cache = path.join(root, '.cache/kernels');

const variants = {plain: [], relaxed: ['-mrelaxed-simd']} as const;
const common = [
	'--target=wasm32-unknown-unknown',
	'-nostdlib',
	'-ffreestanding',
	'-O3',
	'-msimd128',
	'-mbulk-memory',
	'-mnontrapping-fptoint',
	'-fno-math-errno',
	'-ffp-contract=off',
	'-Wall',
	'-Wextra',
	'-Werror',
];

export type Prototype = {readonly parameters: ReadonlyArray<{readonly name: string; readonly type: 'i32' | 'f32' | 'read' | 'write'}>};

type Files = Tree;

const read = (directory: string): Files =>
	Object.fromEntries(
		readdirSync(directory)
			.filter(name => /\.[ch]$/.test(name))
			.map(name => [name, readFileSync(path.join(directory, name))]),
	);

/** Parameters of every KERNEL in preprocessed C. `const` pointers are read, the others written. */
export function parsePrototypes(preprocessed: string): Record<string, Prototype> {
	const prototypes: Record<string, Prototype> = {};
	for (const [, exported, parameters] of preprocessed.matchAll(/export_name\("(\w+)"\)\)\)\s*void\s+\w+\s*\(([^)]*)\)\s*\{/g)) {
		prototypes[exported!] = {
			parameters: parameters!.split(',').map(text => {
				const name = /(\w+)\s*$/.exec(text)?.[1] ?? '';
				const type = text.includes('*') ? (/\bconst\b/.test(text) ? 'read' : 'write') : /\bf32\b|\bfloat\b/.test(text) ? 'f32' : 'i32';
				return {name, type} as const;
			}),
		};
	}

	return prototypes;
}

async function run(tool: typeof runClang, arguments_: string[], files: Files): Promise<Tree> {
	let log = '';
	const collect = (bytes: Uint8Array | null): void => {
		log += bytes ? new TextDecoder().decode(bytes) : '';
	};

	try {
		return await tool(arguments_, files, {stdout: collect, stderr: collect, fetchProgress() {}});
	} catch (error) {
		throw new Error(`kernels: ${arguments_.join(' ')}\n${log || String(error)}`, {cause: error});
	}
}

export async function buildKernels(): Promise<void> {
	await runLLVM(undefined, undefined, {fetchProgress() {}});
	mkdirSync(cache, {recursive: true});
	mkdirSync(output, {recursive: true});
	const files = read(source);
	const sources = Object.keys(files)
		.filter(name => name.endsWith('.c'))
		.sort();
	const headers = Object.keys(files)
		.filter(name => name.endsWith('.h'))
		.sort();
	const prototypes: Record<string, Prototype> = {};
	for (const [variant, flags] of Object.entries(variants)) {
		const objects: Files = {};
		for (const name of sources) {
			const hash = createHash('sha256').update(JSON.stringify([common, flags]));
			for (const part of [name, ...headers]) {
				hash.update(part).update(files[part]!);
			}

			const key = path.join(cache, hash.digest('hex').slice(0, 32));
			if (!existsSync(`${key}.o`)) {
				const made = await run(runClang, ['clang', ...common, ...flags, '-c', name, '-o', 'out.o'], files);
				// Both variants have the same functions: the plain one tells their parameters.
				if (variant === 'plain') {
					const text = await run(runClang, ['clang', ...common, ...flags, '-E', '-P', name, '-o', 'out.i'], files);
					writeFileSync(`${key}.i`, text['out.i']!);
				}

				writeFileSync(`${key}.o`, made['out.o']!);
			}

			objects[name.replace(/c$/, 'o')] = readFileSync(`${key}.o`);
			if (variant === 'plain') {
				Object.assign(prototypes, parsePrototypes(readFileSync(`${key}.i`, 'utf8')));
			}
		}

		const linked = await run(runLLVM, ['wasm-ld', '--no-entry', '--import-memory', '--strip-all', ...Object.keys(objects), '-o', 'out.wasm'], objects);
		const wasm = linked['out.wasm'] as Uint8Array;
		verify(variant, wasm, prototypes);
		writeFileSync(path.join(output, `${variant}.wasm`), wasm);
	}

	writeFileSync(path.join(output, 'prototypes.json'), JSON.stringify(prototypes, undefined, '\t'));
}

function verify(variant: string, wasm: Uint8Array, prototypes: Record<string, Prototype>): void {
	if (hasSection(wasm, 11)) {
		throw new Error(`kernels (${variant}): static data is not allowed: keep tables in code`);
	}

	if (variant !== 'plain') {
		// Node 20 compiles no relaxed SIMD; both variants come from the same sources.
		return;
	}

	const module = new WebAssembly.Module(wasm as BufferSource);
	const imports = WebAssembly.Module.imports(module);
	if (imports.some(({module: from, name}) => `${from}.${name}` !== 'env.memory')) {
		throw new Error(`kernels (${variant}): only env.memory may be imported: found ${imports.map(({name}) => name).join(', ')}`);
	}

	const exported = new Set(WebAssembly.Module.exports(module).map(({name}) => name));
	const missing = Object.keys(prototypes).filter(name => !exported.has(name));
	if (missing.length > 0) {
		throw new Error(`kernels (${variant}): no code for ${missing.join(', ')}`);
	}
}

/** Whether the module has a section of this id (11 is data). */
function hasSection(wasm: Uint8Array, id: number): boolean {
	let at = 8;
	while (at < wasm.length) {
		const section = wasm[at++]!;
		let size = 0;
		for (let shift = 0; ; shift += 7) {
			const byte = wasm[at++]!;
			size += (byte & 127) * 2 ** shift;
			if (byte < 128) {
				break;
			}
		}

		if (section === id) {
			return true;
		}

		at += size;
	}

	return false;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
	await buildKernels();
}
