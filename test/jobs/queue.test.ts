/** Jobs on other machines: the bytes of a local compile, whatever comes and goes; and errors that say what to do. */
import {mkdirSync, readdirSync, readFileSync, writeFileSync} from 'node:fs';
import path from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {compile} from '../../compiler/compile.js';
import {SnugError} from '../../compiler/error.js';
import {openFolderStore} from '../../compiler/jobs/folder-store.js';
import type {Store} from '../../compiler/jobs/store.js';
import {pack, unpack} from '../../compiler/jobs/parcel.js';
import type {Job} from '../../compiler/jobs/job.js';
import {openPool} from '../../compiler/jobs/pool.js';
import {openQueuePool} from '../../compiler/jobs/queue.js';
import {normal} from '../codecs/harness.js';
import {findModel} from '../helpers/models.js';
import {temporaryFolder} from '../helpers/temporary.js';
import {filesOf} from '../helpers/files.js';
import {hasRedis, startRedis, startWorker} from './machines.js';

const source = findModel('books-3m')!;

const jobOf = (values: Float32Array): Job => ({
	kind: 'encode',
	weight: {
		name: 'w',
		rows: 32,
		columns: 64,
		values,
		statistics: {sampleSize: 9, gram: Float32Array.from({length: 64 * 64}, (_, at) => (at % 65 === 0 ? 1 : 0))},
	},
	choice: {codec: 'scalar', parameters: {bits: 4, group: 64}},
});

test('a job comes out of the store as it went in, and equal arrays lie there once', async t => {
	const folder = temporaryFolder(t);
	const store = await openFolderStore(folder);
	const job = jobOf(normal(32 * 64, 1));
	const parcel = await pack(job, store);
	t.true(JSON.stringify(parcel).length < 1000);
	t.deepEqual(await unpack(JSON.parse(JSON.stringify(parcel)) as typeof parcel, store), job);
	const count = (): number => readdirSync(folder, {recursive: true}).filter(name => String(name).endsWith('.snug-entry')).length;
	t.is(count(), 2);
	await pack({...job, kind: 'measure', options: [{codec: 'scalar', parameters: {bits: 5, group: 64}}]}, store);
	t.is(count(), 2);
});

test('a damaged array, a store that is no folder and a queue that is not there are named', async t => {
	const folder = temporaryFolder(t);
	const store = await openFolderStore(path.join(folder, 'store'));
	const parcel = await pack(jobOf(normal(32 * 64, 1)), store);
	const file = path.join(folder, 'store', parcel.arrays.values.slice(0, 2), `${parcel.arrays.values}.snug-entry`);
	writeFileSync(file, readFileSync(file).subarray(0, 100));
	await t.throwsAsync(unpack(parcel, store), {instanceOf: SnugError, message: /^the values of weight 'w': not in the store, or damaged/});
	writeFileSync(path.join(folder, 'file'), '');
	await t.throwsAsync(openFolderStore(path.join(folder, 'file', 'store')), {instanceOf: SnugError, message: /^the store '.*': cannot be written to/});
	for (const [url, expected] of [
		['redis://user:secret@127.0.0.1:1', /^--queue: no Redis answers at redis:\/\/127\.0\.0\.1:1: .*ECONNREFUSED.*; start redis-server/],
		['redis+tls://user:secret@h:1', /^--queue: not the URL of a Redis: expected a URL like redis:.*found redis\+tls:\/\/h:1/],
		['redis://user:sec/ret@h', /^--queue: not the URL of a Redis: .*found no URL; write special characters/],
		['localhost', /found no URL/],
	] as const) {
		const error = await t.throwsAsync(openQueuePool({url, store}), {instanceOf: SnugError, message: expected});
		t.notRegex(error.message, /user|sec/);
	}
});

/** Skips, saying so, where there is no Redis. */
const redisTest = (title: string, run: (t: ExecutionContext) => Promise<void>): void =>
	test(title, async t => {
		t.timeout(180_000);
		if (!hasRedis()) {
			t.log('skipped: redis-server is not on this machine');
			t.pass();
			return;
		}

		await run(t);
	});

redisTest('a worker that is killed and a Redis that forgets all cost time, and no byte', async t => {
	const folder = temporaryFolder(t);
	const redis = await startRedis();
	const [store, local, remote] = ['store', 'local', 'remote'].map(name => path.join(folder, name)) as [string, string, string];
	mkdirSync(store);
	const options = {budget: 2_600_000};
	const workers = [await startWorker(redis.url, store), await startWorker(redis.url, store)] as const;
	try {
		await compile(source, {...options, output: local});
		let restarted: Promise<void> | undefined;
		let alone = false;
		await compile(source, {
			...options,
			output: remote,
			queue: {
				url: redis.url,
				store,
				onAlone() {
					alone = true;
				},
			},
			onProgress(stage, done) {
				if (stage === 'measure' && done === 3) {
					restarted ??= Promise.all([workers[0].kill(), redis.restart()]).then(() => undefined);
				}
			},
		});
		await restarted;
		t.truthy(restarted);
		t.false(alone);
		t.true(workers[1].jobs() > 20);
		t.deepEqual(filesOf(remote), filesOf(local));
		t.is(await workers[1].stop(), 0);
	} finally {
		await Promise.all(workers.map(async worker => worker.kill()));
		await redis.stop();
	}
});

redisTest('what no machine can do, and what a worker cannot do, end a compile with the reason', async t => {
	const folder = temporaryFolder(t);
	const redis = await startRedis();
	const worker = await startWorker(redis.url, folder);
	const store = await openFolderStore(folder);
	const pool = await openQueuePool({url: redis.url, store});
	try {
		const fine = jobOf(normal(32 * 64, 2));
		t.deepEqual(await pool.run(fine), await openPool(1).run(fine));
		const bad = jobOf(normal(32 * 64, 3).fill(NaN, 7, 8));
		const expected = await t.throwsAsync(openPool(1).run(bad), {instanceOf: SnugError});
		await t.throwsAsync(pool.run(bad), {instanceOf: SnugError, message: expected.message});
		// What is damaged in the store is replaced.
		const damaged = jobOf(normal(32 * 64, 6));
		const {arrays} = await pack(damaged, store);
		writeFileSync(path.join(folder, arrays.values.slice(0, 2), `${arrays.values}.snug-entry`), 'x');
		t.deepEqual(await pool.run(damaged), await openPool(1).run(damaged));
		// A store that loses what it is given.
		const leaky: Store = {...store, put: async () => undefined};
		const other = await openQueuePool({url: redis.url, store: leaky});
		await t.throwsAsync(other.run(jobOf(normal(32 * 64, 4))), {
			instanceOf: SnugError,
			message: /^a job of weight 'w': failed 3 times on the workers: .*not in the store/,
		});
		await other.close();
		const controller = new AbortController();
		const waiting = pool.run(jobOf(normal(32 * 64, 5)), controller.signal);
		controller.abort();
		await t.throwsAsync(waiting, {any: true, name: 'AbortError'});
		const left = pool.run(jobOf(normal(32 * 64, 7)));
		await Promise.all([pool.close(), t.throwsAsync(left, {any: true, name: 'AbortError'})]);
		// Nobody to tell.
		await redis.stop();
		t.is(await worker.stop(), 0);
	} finally {
		await worker.kill();
		await redis.stop();
	}
});

redisTest('a queue whose workers have another store says that there are none, once', async t => {
	const redis = await startRedis();
	const worker = await startWorker(redis.url, temporaryFolder(t));
	let alone = 0;
	const pool = await openQueuePool({
		url: redis.url,
		store: await openFolderStore(temporaryFolder(t)),
		onAlone() {
			alone++;
		},
	});
	const controller = new AbortController();
	const waiting = pool.run(jobOf(normal(32 * 64, 1)), controller.signal);
	setTimeout(() => controller.abort(), 7000);
	await t.throwsAsync(waiting, {any: true, name: 'AbortError'});
	t.is(alone, 1);
	t.is(worker.jobs(), 0);
	await pool.close();
	await worker.kill();
	await redis.stop();
});
