/**
 * Bundles made by hand, for tests of the loader: `adder` (y = x + w, its weight in two chunks and found through the table) and
 * `chatter`, a toy language model with state whose next token is a function of all tokens before it.
 */
import {createHash} from 'node:crypto';
import {mkdirSync, writeFileSync} from 'node:fs';
import path from 'node:path';
import binaryen from 'binaryen';
import {FORMAT, type FileEntry, type Manifest, type PortEntry} from '../../compiler/bundle/format.js';

export type Draft = {manifest: Manifest; files: Map<string, Uint8Array>};

export function fileEntry(files: Map<string, Uint8Array>, name: string, bytes: Uint8Array | string): FileEntry {
	const content = typeof bytes === 'string' ? new TextEncoder().encode(bytes) : bytes;
	files.set(name, content);
	return {file: name, bytes: content.length, sha256: createHash('sha256').update(content).digest('hex')};
}

function assemble(wat: string): Uint8Array {
	const module = binaryen.parseText(wat);
	try {
		return module.emitBinary();
	} finally {
		module.dispose();
	}
}

export function writeBundle(directory: string, {manifest, files}: Draft): string {
	for (const [name, bytes] of [...files, ['manifest.json', JSON.stringify(manifest)] as const]) {
		mkdirSync(path.dirname(path.join(directory, name)), {recursive: true});
		writeFileSync(path.join(directory, name), bytes);
	}

	return directory;
}

const empty = {
	format: FORMAT,
	features: [],
	generator: 'test',
	states: [],
	positions: 0,
	extra: {},
	weights: [],
	report: {budget: 0, total: 0, bitsPerWeight: 32, weights: 0, state: 0, activations: 0, program: 0, other: 0, padding: 0, tokenizer: 0},
} as const;

export const weight = [10, 20, 30, 40] as const;

/** x and y are [n, 4] with n up to 8. */
export function adder(): Draft {
	const files = new Map<string, Uint8Array>();
	const program = fileEntry(
		files,
		'program.wasm',
		assemble(`(module (import "env" "memory" (memory 1 1))
			(func (export "run") (param $n i32) (local $i i32)
				(loop $next
					(f32.store offset=2048 (i32.shl (local.get $i) (i32.const 2))
						(f32.add (f32.load offset=1024 (i32.shl (local.get $i) (i32.const 2)))
							(f32.load (i32.add (i32.load (i32.const 256)) (i32.shl (i32.and (local.get $i) (i32.const 3)) (i32.const 2))))))
					(local.set $i (i32.add (local.get $i) (i32.const 1)))
					(br_if $next (i32.lt_s (local.get $i) (i32.shl (local.get $n) (i32.const 2)))))))`),
	);
	const bytes = new Uint8Array(Float32Array.from(weight).buffer);
	const first = fileEntry(files, 'chunks/first.bin', bytes.slice(0, 8));
	const second = fileEntry(files, 'chunks/second.bin', Uint8Array.of(0, 0, 0, 0, ...bytes.slice(8)));
	const port = (name: string, address: number): PortEntry => ({name, dtype: 'float32', shape: [{n: 1}, 4], address, bytes: 8 * 4 * 4});
	return {
		files,
		manifest: {
			...empty,
			name: 'adder',
			programs: {plain: program, relaxed: program},
			chunks: [first, second],
			parts: [
				{
					name: 'w',
					bytes: 16,
					pieces: [
						{chunk: 0, offset: 0, bytes: 8},
						{chunk: 1, offset: 4, bytes: 8},
					],
				},
			],
			table: {address: 256, bytes: 4},
			levels: [{bytes: 70_000, memory: 65_536, chunks: [0, 1], placement: [512], table: [512]}],
			entries: {run: {symbols: ['n']}},
			symbols: {n: {min: 1, max: 8}},
			inputs: [port('x', 1024)],
			outputs: [port('y', 2048)],
		},
	};
}

/** The chatter's next token. */
export const nextToken = (tokens: readonly number[], vocabulary: number): number =>
	tokens.reduce((sum, token, index) => sum + token * (index + 1), 7) % vocabulary;

/** A token that makes the chatter's program trap. */
export const trapToken = 13;

export const chatterLimits = {positions: 64, chunk: 4} as const;

export type ChatterOptions = {
	readonly vocabulary?: number;
	readonly eos?: readonly number[];
	readonly storage?: 'float32' | 'float16' | 'int8';
	/** Turns of an empty loop in each call. */
	readonly delay?: number;
};

/**
 * The cache holds token × mask at each position. `echo` gives the cache's new values; `head` makes the logits of one row: 8 for the
 * next token, and falling with the distance from it; `sample` takes
 * the likeliest, or one further on, by temperature and draw. Position ids that are not the positions trap.
 */
export function chatter({vocabulary = 256, eos = [], storage = 'float32', delay = 0}: ChatterOptions = {}): Draft {
	const files = new Map<string, Uint8Array>();
	const {positions, chunk} = chatterLimits;
	const address = {ids: 1024, mask: 2048, position: 4096, echo: 5120, cache: 8192, logits: 16_384, token: 6144, options: 6160, history: 6208};
	const memory = 65_536;
	// Other storage types are for the state's ports alone; the program computes in f32.
	const program = fileEntry(
		files,
		'program.wasm',
		assemble(`(module (import "env" "memory" (memory 1 1))
			(func $prefill (export "prefill") (param $past i32) (param $sequence i32) (local $i i32) (local $p i32) (local $value f32) (local $wait i32)
				(local.set $wait (i32.const ${delay}))
				(if (local.get $wait) (then (loop $spin (local.set $wait (i32.sub (local.get $wait) (i32.const 1))) (i32.store (i32.const 0) (local.get $wait)) (br_if $spin (local.get $wait)))))
				(loop $next
					(local.set $p (i32.add (local.get $past) (local.get $i)))
					(if (i64.ne (i64.load offset=${address.position} (i32.shl (local.get $i) (i32.const 3))) (i64.extend_i32_u (local.get $p))) (then (unreachable)))
					(if (i64.eq (i64.load offset=${address.ids} (i32.shl (local.get $i) (i32.const 3))) (i64.const ${trapToken})) (then (unreachable)))
					(local.set $value (f32.convert_i64_s (i64.mul
						(i64.load offset=${address.ids} (i32.shl (local.get $i) (i32.const 3)))
						(i64.load offset=${address.mask} (i32.shl (local.get $p) (i32.const 3))))))
					(f32.store offset=${address.cache} (i32.shl (local.get $p) (i32.const 2)) (local.get $value))
					(f32.store offset=${address.echo} (i32.shl (local.get $i) (i32.const 2)) (local.get $value))
					(local.set $i (i32.add (local.get $i) (i32.const 1)))
					(br_if $next (i32.lt_s (local.get $i) (local.get $sequence)))))
			(func (export "decode") (param $past i32) (call $prefill (local.get $past) (i32.const 1)))
			(func (export "head") (param $past i32) (param $row i32) (local $i i32) (local $sum i32)
				(local.set $sum (i32.const 7))
				(loop $next
					(local.set $sum (i32.add (local.get $sum) (i32.mul
						(i32.add (local.get $i) (i32.const 1))
						(i32.trunc_f32_s (f32.load offset=${address.cache} (i32.shl (local.get $i) (i32.const 2)))))))
					(local.set $i (i32.add (local.get $i) (i32.const 1)))
					(br_if $next (i32.le_s (local.get $i) (i32.add (local.get $past) (local.get $row)))))
				(local.set $sum (i32.rem_u (local.get $sum) (i32.const ${vocabulary})))
				(local.set $i (i32.const 0))
				(loop $more
					(f32.store offset=${address.logits} (i32.shl (local.get $i) (i32.const 2))
						(f32.sub (f32.const 8) (f32.abs (f32.convert_i32_s (i32.sub (local.get $i) (local.get $sum))))))
					(local.set $i (i32.add (local.get $i) (i32.const 1)))
					(br_if $more (i32.lt_s (local.get $i) (i32.const ${vocabulary})))))
			(func (export "sample") (param $count i32) (local $i i32) (local $best i32)
				(loop $next
					(if (f32.gt (f32.load offset=${address.logits} (i32.shl (local.get $i) (i32.const 2))) (f32.load offset=${address.logits} (i32.shl (local.get $best) (i32.const 2))))
						(then (local.set $best (local.get $i))))
					(local.set $i (i32.add (local.get $i) (i32.const 1)))
					(br_if $next (i32.lt_s (local.get $i) (i32.const ${vocabulary}))))
				(i32.store offset=${address.token} (i32.const 0) (i32.rem_u
					(i32.add (local.get $best) (i32.trunc_f32_s (f32.mul (f32.load offset=${address.options} (i32.const 0)) (f32.mul (f32.const 8) (f32.load offset=${address.options} (i32.const 20))))))
					(i32.const ${vocabulary})))))`),
	);
	const bytes = {float32: 4, float16: 2, int8: 1}[storage] * positions;
	return {
		files,
		manifest: {
			...empty,
			name: 'chatter',
			programs: {plain: program, relaxed: program},
			chunks: [],
			parts: [],
			table: {address: 256, bytes: 0},
			levels: [{bytes: memory + program.bytes, memory, chunks: [], placement: [], table: []}],
			entries: {prefill: {symbols: ['past', 'sequence']}, decode: {symbols: ['past']}, head: {symbols: ['past', 'row']}, sample: {symbols: ['count']}},
			symbols: {sequence: {min: 1, max: chunk}, past: {min: 0, max: positions}},
			inputs: [
				{name: 'input_ids', dtype: 'int64', shape: [1, {sequence: 1}], address: address.ids, bytes: chunk * 8, fill: 'tokens', rows: vocabulary},
				{name: 'attention_mask', dtype: 'int64', shape: [1, {past: 1, sequence: 1}], address: address.mask, bytes: positions * 8, fill: 'ones'},
				{name: 'position_ids', dtype: 'int64', shape: [1, {sequence: 1}], address: address.position, bytes: chunk * 8, fill: 'positions'},
			],
			outputs: [
				{name: 'logits', dtype: 'float32', shape: [1, {sequence: 1}, vocabulary], address: address.logits, bytes: vocabulary * 4},
				{name: 'echo', dtype: 'float32', shape: [1, {sequence: 1}], address: address.echo, bytes: chunk * 4},
			],
			sliced: {output: 'logits'},
			states: [
				{
					input: 'past_key',
					output: 'present_key',
					dtype: 'float32',
					shape: [1, 1, {past: 1}, 1],
					axis: 2,
					storage,
					heads: 1,
					positions,
					width: 1,
					address: address.cache,
					bytes,
					...(storage === 'int8' ? {scales: address.cache + 1024} : {}),
				},
			],
			positions,
			generation: {logits: 'logits', vocabulary, sampling: {token: address.token, options: address.options, history: address.history}, eos, defaults: {}},
		},
	};
}
