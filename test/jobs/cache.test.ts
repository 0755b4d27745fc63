/** The cache of results: entries whole or missing, a limit, and compiles that find what was computed before. */
import {readdirSync, readFileSync, utimesSync, writeFileSync} from 'node:fs';
import path from 'node:path';
import test from 'ava';
import {compile} from '../../compiler/compile.js';
import {openCache} from '../../compiler/jobs/cache.js';
import {cachedPool} from '../../compiler/jobs/cached.js';
import {keyOf} from '../../compiler/jobs/key.js';
import type {Job, WeightData} from '../../compiler/jobs/job.js';
import {openPool, type Pool} from '../../compiler/jobs/pool.js';
import {normal} from '../codecs/harness.js';
import {filesOf} from '../helpers/files.js';
import {findModel} from '../helpers/models.js';
import {temporaryFolder} from '../helpers/temporary.js';

const bytes = (length: number, value: number): Uint8Array => new Uint8Array(length).fill(value);

test('an entry comes back as it went in; what is not there is missing', t => {
	const cache = openCache(temporaryFolder(t));
	const key = keyOf(['a', bytes(3, 1)]);
	t.is(cache.get(key), undefined);
	const entry = {values: {number: 0.1, list: ['x']}, arrays: [bytes(5, 7), bytes(0, 0), bytes(9, 255)]};
	cache.put(key, entry);
	t.deepEqual(cache.get(key), entry);
	t.is(cache.get(keyOf(['a', bytes(3, 2)])), undefined);
	t.not(keyOf(['ab', 'c']), keyOf(['a', 'bc']));
});

test('a damaged or truncated entry counts as missing, and is removed', t => {
	const folder = temporaryFolder(t);
	const cache = openCache(folder);
	const key = keyOf(['a']);
	for (const damage of [
		(file: Buffer) => file.subarray(0, file.length - 1),
		(file: Buffer) => file.subarray(0, 20),
		(file: Buffer) => Buffer.concat([file.subarray(0, 60), Buffer.of(file[60]! ^ 1), file.subarray(61)]),
		() => Buffer.alloc(0),
	]) {
		cache.put(key, {values: {}, arrays: [bytes(100, 3)]});
		const [name] = readdirSync(folder) as [string];
		writeFileSync(path.join(folder, name), damage(readFileSync(path.join(folder, name))));
		t.is(cache.get(key), undefined);
		t.deepEqual(readdirSync(folder), []);
	}
});

test('beyond its limit, what was used longest ago goes', t => {
	const folder = temporaryFolder(t);
	const cache = openCache(folder, 3500);
	const keys = ['a', 'b', 'c', 'd'].map(name => keyOf([name]));
	for (const [index, key] of keys.entries()) {
		cache.put(key, {values: {}, arrays: [bytes(1000, index)]});
		const when = new Date(2020, 1, index + 1);
		utimesSync(
			path.join(
				folder,
				readdirSync(folder).find(name => name.startsWith(key))!,
			),
			when,
			when,
		);
	}

	t.truthy(cache.get(keys[0]!));
	cache.prune();
	t.deepEqual(
		keys.map(key => cache.get(key) !== undefined),
		[true, false, true, true],
	);
});

test('a folder that cannot be written keeps nothing, and stops nothing', t => {
	const file = path.join(temporaryFolder(t), 'file');
	writeFileSync(file, '');
	const cache = openCache(path.join(file, 'below'));
	cache.put(keyOf(['a']), {values: {}, arrays: []});
	t.is(cache.get(keyOf(['a'])), undefined);
	cache.prune();
});

const weight = (seed: number, columns = 96): WeightData => ({name: 'w', rows: 32, columns, values: normal(32 * columns, seed, 0.05)});

const jobs: readonly Job[] = [
	{kind: 'encode', weight: weight(1), choice: {codec: 'planes', parameters: {bits: 3, group: 32}}},
	{kind: 'encode', weight: weight(2), choice: {codec: 'planes', parameters: {bits: 3, group: 32}}},
	{kind: 'encode', weight: weight(1), choice: {codec: 'planes', parameters: {bits: 2, group: 32}}},
	{kind: 'measure', weight: weight(1), options: [{codec: 'vptq', parameters: {bits: 2, vector: 4, entries: 256}}]},
	{
		kind: 'measure',
		weight: {...weight(1), statistics: {sampleSize: 500, gram: Float32Array.from({length: 96 * 96}, (_, i) => Number(i % 97 === 0))}},
		options: [{codec: 'scalar', parameters: {bits: 4, group: 32}}],
	},
];

test('a job is computed once, and every difference in it counts', async t => {
	let runs = 0;
	const pool = openPool(1);
	const counting: Pool = {
		...pool,
		async run(job, signal) {
			runs++;
			return pool.run(job, signal);
		},
	};
	const cached = cachedPool(counting, openCache(temporaryFolder(t)));
	for (const round of [1, 2]) {
		for (const job of jobs) {
			t.deepEqual(await cached.run(job), await pool.run(job));
		}

		t.is(runs, jobs.length, `round ${round}`);
	}
});

test('threads give what one thread gives', async t => {
	const pool = openPool(2);
	try {
		for (const seed of [1, 2, 3]) {
			const job: Job = {kind: 'encode', weight: weight(seed, 4096), choice: {codec: 'scalar', parameters: {bits: 4, group: 64}}};
			t.deepEqual(await pool.run(job), await openPool(1).run(job));
		}
	} finally {
		await pool.close();
	}
});

const chunksOf = (folder: string) => filesOf(path.join(folder, 'chunks'));

test('another budget finds the calibration of the first, and the same budget gives the same bytes', async t => {
	const folder = temporaryFolder(t);
	const cache = path.join(folder, 'cache');
	// A page is enough to keep.
	const text = path.join(folder, 'page.txt');
	writeFileSync(text, readFileSync(new URL('../calibrate/held-out.txt', import.meta.url), 'utf8').slice(0, 3000));
	const run = async (name: string, budget: number): Promise<ReadonlySet<string>> => {
		const stages = new Set<string>();
		await compile(findModel('books-3m')!, {
			output: path.join(folder, name),
			budget,
			calibration: text,
			refine: false,
			cache,
			onProgress: stage => stages.add(stage),
		});
		return stages;
	};

	t.true((await run('a', 2.6e6)).has('calibrate'));
	const again = await run('b', 2.6e6);
	t.false(again.has('calibrate') || again.has('sensitivity'));
	t.deepEqual(chunksOf(path.join(folder, 'a')), chunksOf(path.join(folder, 'b')));
	const other = await run('c', 2.9e6);
	t.false(other.has('calibrate') || other.has('sensitivity'));
	t.notDeepEqual(chunksOf(path.join(folder, 'a')), chunksOf(path.join(folder, 'c')));
});
