/**
 * Builds the kernels: every `kernels/*.c`, in a plain and a relaxed SIMD variant, with the clang that npm brings.
 *
 * Writes `dist/kernels/{plain,relaxed}.wasm` and `prototypes.json`, the parameters of every exported function in order. Objects are
 * cached by content under `.cache/kernels`. Kernels must not need anything: no import but `env.memory`, no data, no stack.
 */
import {fork} from 'node:child_process';
import {createHash} from 'node:crypto';
import {once} from 'node:events';
import {existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync} from 'node:fs';
import {availableParallelism} from 'node:os';
import {fileURLToPath} from 'node:url';
import path from 'node:path';
import {runClang, runLLVM, type Tree} from '@yowasp/clang';
import type {Prototype} from '../compiler/plan/prototypes.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const source = path.join(root, 'runtime-wasm/kernels');
const output = path.join(root, 'dist/kernels');
const cache = path.join(root, '.cache/kernels');

const variants = {plain: [], relaxed: ['-mrelaxed-simd']} as const;
const common = [
	// Loop strength reduction turns constant offsets, which engines get for nothing, into additions.
	'-mllvm',
	'-disable-lsr',
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

/** Flags of single sources. */
const special: Readonly<Record<string, readonly string[]>> = {'barrier.c': ['-matomics']};

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
		// The tool's own error holds every file that it was given, and Node would print them all.
		// eslint-disable-next-line preserve-caught-error
		throw new Error(`kernels: ${arguments_.join(' ')}\n${log || String(error)}`);
	}
}

type Variant = keyof typeof variants;

/** One object file to make. */
type Job = {readonly name: string; readonly variant: Variant; readonly key: string};

/** A source with the headers that it includes, directly or not. */
function withHeaders(name: string, files: Files, found = new Set<string>()): Set<string> {
	if (files[name] !== undefined && !found.has(name)) {
		found.add(name);
		for (const [, header] of new TextDecoder().decode(files[name] as Uint8Array).matchAll(/^\s*#include "([^"]+)"/gm)) {
			withHeaders(header!, files, found);
		}
	}

	return found;
}

/** Sources that never ask for relaxed SIMD give one object for both variants. */
function jobsOf(files: Files): Job[] {
	const sources = Object.keys(files)
		.filter(name => name.endsWith('.c'))
		.sort();
	return sources.flatMap(name => {
		const parts = [...withHeaders(name, files)].sort();
		const asks = parts.some(part => new TextDecoder().decode(files[part] as Uint8Array).includes('relaxed'));
		return (Object.keys(variants) as Variant[]).map(variant => {
			const own = [...(asks ? variants[variant] : []), ...(special[name] ?? [])];
			const hash = createHash('sha256').update(JSON.stringify([common, own]));
			for (const part of parts) {
				hash.update(part).update(files[part]!);
			}

			return {name, variant: asks ? variant : 'plain', key: path.join(cache, hash.digest('hex').slice(0, 32))};
		});
	});
}

async function compileObject({name, variant, key}: Job, files: Files): Promise<void> {
	const flags = [...common, ...variants[variant], ...(special[name] ?? [])];
	const made = await run(runClang, ['clang', ...flags, '-c', name, '-o', 'out.o'], files);
	const text = await run(runClang, ['clang', ...flags, '-E', '-P', name, '-o', 'out.i'], files);
	writeFileSync(`${key}.i`, text['out.i']!);
	// The object comes last and at once: it is what says that the job is done.
	writeFileSync(`${key}.part`, made['out.o']!);
	renameSync(`${key}.part`, `${key}.o`);
}

/** Makes every `of`-th object from `share` on, as far as the cache has none. */
async function compileShare(share: number, of: number): Promise<void> {
	await runLLVM(undefined, undefined, {fetchProgress() {}});
	const files = read(source);
	for (const job of distinctJobs(files).filter((_, index) => index % of === share)) {
		if (!isMade(job)) {
			await compileObject(job, files);
		}
	}
}

const distinctJobs = (files: Files): Job[] => [...new Map(jobsOf(files).map(job => [job.key, job])).values()];

const isMade = ({key}: Job): boolean => existsSync(`${key}.o`);

/** Objects are made by two processes: a compiler takes 500 MB and a core. */
const SHARES = Math.min(2, availableParallelism());

export async function buildKernels(): Promise<void> {
	mkdirSync(cache, {recursive: true});
	mkdirSync(output, {recursive: true});
	const files = read(source);
	if (!distinctJobs(files).every(isMade)) {
		await Promise.all([compileShare(0, SHARES), ...Array.from({length: SHARES - 1}, async (_, index) => compileElsewhere(index + 1))]);
	}

	await runLLVM(undefined, undefined, {fetchProgress() {}});
	const prototypes: Record<string, Prototype> = {};
	for (const variant of Object.keys(variants) as Variant[]) {
		// Two jobs a source, plain first.
		const jobs = jobsOf(files).filter((_, index) => index % 2 === Object.keys(variants).indexOf(variant));
		const objects = Object.fromEntries(jobs.map(({name, key}) => [name.replace(/c$/, 'o'), readFileSync(`${key}.o`)]));
		for (const [name, object] of Object.entries(objects)) {
			if (object.includes('__stack_pointer')) {
				throw new Error(
					`kernels (${variant}): ${name} uses a stack, which would lie where programs have their weights: return no structs from functions that are not inlined, take no addresses of locals`,
				);
			}
		}

		for (const {key} of jobs) {
			Object.assign(prototypes, parsePrototypes(readFileSync(`${key}.i`, 'utf8')));
		}

		const linked = await run(runLLVM, ['wasm-ld', '--no-entry', '--import-memory', '--strip-all', ...Object.keys(objects), '-o', 'out.wasm'], objects);
		const wasm = linked['out.wasm'] as Uint8Array;
		verify(variant, wasm, prototypes);
		writeFileSync(path.join(output, `${variant}.wasm`), wasm);
	}

	writeFileSync(path.join(output, 'prototypes.json'), JSON.stringify(prototypes, undefined, '\t'));
}

async function compileElsewhere(share: number): Promise<void> {
	const child = fork(fileURLToPath(import.meta.url), ['--share', String(share)]);
	const [status] = (await once(child, 'exit')) as [number | null];
	if (status !== 0) {
		throw new Error(`kernels: the compiler for share ${share} ended with status ${status}`);
	}
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
	const share = process.argv.indexOf('--share');
	await (share < 0 ? buildKernels() : compileShare(Number(process.argv[share + 1]), SHARES));
}
