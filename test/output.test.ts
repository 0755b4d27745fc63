/** A bundle appears whole or not at all, whatever ends its writing; and what cannot be compiled leaves nothing behind. */
import {spawnSync} from 'node:child_process';
import {existsSync, mkdirSync, readdirSync, readFileSync, statfsSync, writeFileSync} from 'node:fs';
import path from 'node:path';
import test, {type ExecutionContext} from 'ava';
import type {Manifest} from '../compiler/bundle/format.js';
import {compile, type CompileOptions, type CompileResult} from '../compiler/compile.js';
import {SnugError} from '../compiler/error.js';
import {filesOf} from './helpers/files.js';
import {temporaryFolder} from './helpers/temporary.js';
import {tinyLanguageModel} from './helpers/tiny-language-model.js';

const dense = {codecs: ['dense'], maxSequence: 64} as const;

/** A folder with the tiny model, and compilations of it into `out` beside it. */
function place(t: ExecutionContext) {
	const folder = temporaryFolder(t);
	const model = path.join(folder, 'source', 'model.onnx');
	mkdirSync(path.dirname(model));
	writeFileSync(model, tinyLanguageModel());
	const output = path.join(folder, 'out');
	const run = async (options: Partial<CompileOptions> = {}): Promise<CompileResult> => compile(model, {output, ...dense, ...options});
	return {folder, model, output, run, listed: () => readdirSync(folder).sort()};
}

async function failure(t: ExecutionContext, run: Promise<unknown>): Promise<SnugError> {
	const error: unknown = await t.throwsAsync(run);
	if (!(error instanceof SnugError)) {
		throw error;
	}

	return error;
}

/** Every file that the manifest names is there with its bytes, and no other. */
function checkWhole(t: ExecutionContext, directory: string): void {
	const manifest = JSON.parse(readFileSync(path.join(directory, 'manifest.json'), 'utf8')) as Manifest;
	const named = [...manifest.chunks, manifest.programs.plain, manifest.programs.relaxed, ...Object.values(manifest.extra)];
	const held = filesOf(directory);
	for (const {file, sha256} of named) {
		t.is(held[path.normalize(file)], sha256, file);
	}

	t.deepEqual(Object.keys(held).sort(), [...new Set([...named.map(({file}) => path.normalize(file)), 'manifest.json', 'snug.js'])].sort());
}

test.serial('a bundle is whole, is replaced whole, and is the same each time', async t => {
	const {folder, output, run, listed} = place(t);
	await run({output: path.join(folder, 'deep', 'er', 'out')});
	checkWhole(t, path.join(folder, 'deep', 'er', 'out'));
	mkdirSync(output);
	await run();
	checkWhole(t, output);
	const first = filesOf(output);
	t.deepEqual(filesOf(path.join(folder, 'deep', 'er', 'out')), first);
	await run({codecs: ['planes']});
	checkWhole(t, output);
	t.notDeepEqual(filesOf(output), first);
	await run();
	t.deepEqual(filesOf(output), first);
	t.deepEqual(listed(), ['deep', 'out', 'source']);
});

for (const [stage, at] of [
	['measure', 3],
	['encode', 0],
	['encode', 5],
] as const) {
	test.serial(`an abort while ${stage === 'measure' ? 'measuring' : `encoding weight ${at}`} leaves nothing, and an earlier bundle as it was`, async t => {
		const {folder, output, run, listed} = place(t);
		const stopped = async (into = output): Promise<void> => {
			const controller = new AbortController();
			let seen = 0;
			const reason = new Error('enough');
			const error = await t.throwsAsync(
				run({
					output: into,
					codecs: ['planes'],
					signal: controller.signal,
					onProgress(name, done) {
						seen += name === stage ? 1 : 0;
						if (name === stage && done === at) {
							controller.abort(reason);
						}
					},
				}),
			);
			t.is(error, reason);
			t.is(seen, at + 1, 'nothing goes on after the abort');
		};

		await stopped();
		t.deepEqual(listed(), ['source']);
		await stopped(path.join(folder, 'deep', 'er', 'out'));
		t.deepEqual(listed(), ['source']);
		await run();
		const before = filesOf(output);
		await stopped();
		t.deepEqual(filesOf(output), before);
		t.deepEqual(listed(), ['out', 'source']);
	});
}

test.serial('a folder or a file of somebody else is refused at once and left alone', async t => {
	const {folder, output, run, listed} = place(t);
	writeFileSync(output, 'mine');
	const onFile = await failure(t, run({onProgress: () => t.fail('nothing is measured for a place that cannot be written')}));
	t.is(onFile.code, 'output-exists');
	t.regex(
		onFile.message,
		/^output '.*out': something else is there already: expected a new folder, an empty one, or an earlier bundle, found a file; choose another folder with -o$/,
	);
	t.is(readFileSync(output, 'utf8'), 'mine');
	const stranger = path.join(folder, 'stranger');
	mkdirSync(stranger);
	writeFileSync(path.join(stranger, 'letter.txt'), 'dear');
	const onFolder = await failure(t, run({output: stranger}));
	t.is(onFolder.code, 'output-exists');
	t.regex(onFolder.message, /found a folder with other files/);
	t.deepEqual(readdirSync(stranger), ['letter.txt']);
	t.deepEqual(listed(), ['out', 'source', 'stranger']);
});

test.serial('a place below a file, or in a file system that takes none, cannot be written', async t => {
	const {folder, run, listed} = place(t);
	writeFileSync(path.join(folder, 'file'), '');
	const places = [path.join(folder, 'file', 'out'), path.join(folder, 'file', 'deep', 'out'), ...(existsSync('/proc/self') ? ['/proc/snug-test'] : [])];
	for (const output of places) {
		const error = await failure(t, run({output}));
		t.is(error.code, 'unwritable-output', error.message);
		t.true(error.message.startsWith(`output '${output}': the bundle cannot be written: found E`), error.message);
		t.true(error.message.endsWith('; choose a folder that you may write with -o'), error.message);
	}

	t.deepEqual(listed(), ['file', 'source']);
});

/** A file system of so many bytes in a folder, or undefined where mounting is not allowed. */
function smallDisk(t: ExecutionContext, kilobytes: number): {directory: string; remount(options: string): void} | undefined {
	const directory = temporaryFolder(t);
	const mount = (...options: string[]): boolean => spawnSync('mount', [...options, directory]).status === 0;
	if (!mount('-t', 'tmpfs', '-o', `size=${kilobytes}k`, 'tmpfs')) {
		return undefined;
	}

	t.teardown(() => {
		spawnSync('umount', [directory]);
	});
	return {
		directory,
		remount(options) {
			if (!mount('-o', `remount,${options}`)) {
				throw new Error(`remount,${options}`);
			}
		},
	};
}

test.serial('a full or write-protected disk leaves an earlier bundle and nothing else', async t => {
	const disk = smallDisk(t, 768);
	if (!disk) {
		t.log('skipped: mounting a small file system needs the rights of root');
		t.pass();
		return;
	}

	const {run} = place(t);
	const output = path.join(disk.directory, 'out');
	disk.remount('size=64k');
	const none = await failure(t, run({output}));
	t.is(none.code, 'unwritable-output');
	t.regex(none.message, /^output '.*out': the bundle cannot be written: found ENOSPC.*; free some disk space$/);
	t.deepEqual(readdirSync(disk.directory), []);
	disk.remount('size=768k');
	await run({output, codecs: ['planes']});
	checkWhole(t, output);
	const before = filesOf(output);
	const {blocks, bfree, bsize} = statfsSync(disk.directory);
	disk.remount(`size=${((blocks - bfree) * bsize) / 1024 + 64}k`);
	t.regex((await failure(t, run({output}))).message, /ENOSPC/);
	t.deepEqual(filesOf(output), before);
	t.deepEqual(readdirSync(disk.directory), ['out']);
	disk.remount('ro');
	t.regex((await failure(t, run({output, codecs: ['planes']}))).message, /found EROFS.*; choose a folder that you may write with -o$/);
	t.deepEqual(filesOf(output), before);
	disk.remount('rw');
});
