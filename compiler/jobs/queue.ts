/**
 * Jobs on many machines: a queue in Redis (BullMQ) says which jobs there are, a store holds what they read and what came of them. The queue
 * may forget: whatever is neither in it nor in the store is offered again, so that workers and Redis may come and go.
 */
import {setTimeout as delay} from 'node:timers/promises';
import {Queue, Worker} from 'bullmq';
import {Redis} from 'ioredis';
import {SnugError, type ErrorDetail} from '../error.js';
import {entryOf, resultOf} from './cached.js';
import type {Job, JobResult} from './job.js';
import {codeHash, jobKey} from './key.js';
import {pack, unpack, type Parcel} from './parcel.js';
import {openPool, type Pool} from './pool.js';
import type {Store} from './store.js';

/** Machines with other code have another queue: results would differ. */
const queueName = (): string => `snug-${codeHash().slice(0, 16)}`;

/** Jobs that a compile offers at once. */
const WIDTH = 16;

/** Milliseconds between looks into the store at first and at most, and between looks into the queue. */
const [SOON, LATE, OFFER] = [20, 250, 2000];

/** Milliseconds after which a job whose worker is gone is another's, and between looks for those. */
const [LOCK, STALLED] = [10_000, 5000];

/** Milliseconds until Redis must have answered at first; later it may be away for as long as it likes. */
const REACH = 5000;

/** Failures of one job, from a worker that went wrong rather than from what the job is, until the compile gives up. */
const FAILURES = 3;

/** Without the password. */
const placeOf = (url: string): string => (URL.canParse(url) ? new URL(url).host : url);

async function connect(url: string): Promise<Redis> {
	const problem = (found: string): SnugError =>
		new SnugError('queue-unreachable', {
			subject: `the queue '${placeOf(url)}'`,
			problem: 'no Redis answers there',
			expected: 'a URL like redis://host:6379',
			found,
			hint: 'start redis-server, or leave out --queue',
		});
	if (!/^rediss?:\/\//.test(url)) {
		throw problem(`'${url}'`);
	}

	const redis = new Redis(url, {lazyConnect: true, maxRetriesPerRequest: null, retryStrategy: attempt => Math.min(100 * attempt, 2000)});
	let last = `nothing within ${REACH / 1000} s`;
	redis.on('error', (error: Error) => {
		last = error.message || last;
	});
	const reached = await Promise.race([redis.ping().then(() => true), delay(REACH, false)]).catch(() => false);
	if (!reached) {
		redis.disconnect();
		throw problem(last);
	}

	return redis;
}

/** Errors of connections, which come back by themselves. */
const ignore = (): void => undefined;

export type QueueOptions = {
	/** Of Redis. */
	readonly url: string;
	readonly store: Store;
	/** Called once, when jobs wait and no worker of this code is there. */
	onAlone?(): void;
};

/** A pool whose jobs others run. */
export async function openQueuePool({url, store, onAlone}: QueueOptions): Promise<Pool> {
	const connection = await connect(url);
	const queue = new Queue<Parcel>(queueName(), {connection, defaultJobOptions: {removeOnComplete: true}});
	queue.on('error', ignore);
	let alone = false;
	/** Why the job failed, where it did; it is offered again in any case. */
	const offer = async (key: string, parcel: Parcel): Promise<string | undefined> => {
		const known = await queue.getJob(key);
		const failed = known?.failedReason;
		if (failed) {
			await queue.remove(key);
		}

		if (!known || failed) {
			await queue.add(parcel.kind, parcel, {jobId: key});
		}

		if (!alone && known && (await queue.getWorkersCount()) === 0) {
			alone = true;
			onAlone?.();
		}

		return failed;
	};

	return {
		width: WIDTH,
		async run<J extends Job>(job: J, signal?: AbortSignal): Promise<JobResult<J>> {
			const key = jobKey(job);
			let parcel: Parcel | undefined;
			let [wait, failures, offered] = [SOON, 0, -Infinity];
			for (;;) {
				signal?.throwIfAborted();
				const found = (await store.has(key)) ? await store.get(key) : undefined;
				if (found) {
					requireSuccess(found.values['error'] as Failure | undefined);
					return resultOf(job, found);
				}

				if (performance.now() - offered > OFFER) {
					parcel ??= await pack(job, store);
					// Redis may be away; it is asked again.
					const failed = await Promise.race([offer(key, parcel), delay(LOCK, undefined)]);
					offered = performance.now();
					if (failed !== undefined) {
						parcel = undefined;
						failures++;
						requireFewer(failures, job, failed);
					}
				}

				await delay(wait);
				wait = Math.min(1.5 * wait, LATE);
			}
		},
		async close() {
			await queue.close();
			connection.disconnect();
		},
	};
}

type Failure = {readonly code: string; readonly detail: ErrorDetail};

function requireSuccess(failure: Failure | undefined): void {
	if (failure) {
		throw new SnugError(failure.code, failure.detail);
	}
}

function requireFewer(failures: number, {weight}: Job, reason: string): void {
	if (failures >= FAILURES) {
		throw new SnugError('job-failed', {
			subject: `a job of weight '${weight.name}'`,
			problem: `failed ${failures} times on the workers`,
			found: reason,
			hint: 'look at what the workers print, or leave out --queue',
		});
	}
}

export type ServeOptions = {
	readonly url: string;
	readonly store: Store;
	readonly threads?: number;
	/** Ends after the jobs under way. */
	readonly signal: AbortSignal;
	onReady?(): void;
	onJob?(job: {readonly kind: Job['kind']; readonly weight: string; readonly seconds: number; readonly error?: string}): void;
};

/** Runs jobs of a queue until the signal. */
export async function serveQueue({url, store, threads, signal, onReady, onJob}: ServeOptions): Promise<void> {
	const connection = await connect(url);
	// Always on threads: this one keeps telling Redis that the job is alive.
	const pool = openPool(threads, {alwaysOnThreads: true});
	const worker = new Worker<Parcel>(
		queueName(),
		async ({id, data}) => {
			const started = performance.now();
			const error = await runParcel(id!, data, store, pool);
			onJob?.({kind: data.kind, weight: data.weight.name, seconds: (performance.now() - started) / 1000, ...(error === undefined ? {} : {error})});
		},
		{connection, concurrency: pool.width - 1, lockDuration: LOCK, stalledInterval: STALLED, maxStalledCount: Number.MAX_SAFE_INTEGER},
	);
	worker.on('error', ignore);
	try {
		await worker.waitUntilReady();
		onReady?.();
		await new Promise<void>(resolve => {
			signal.addEventListener('abort', () => resolve(), {once: true});
			if (signal.aborted) {
				resolve();
			}
		});
	} finally {
		await worker.close();
		connection.disconnect();
		await pool.close();
	}
}

/** Puts the result into the store, or the error of a job that no machine can do. */
async function runParcel(key: string, parcel: Parcel, store: Store, pool: Pool): Promise<string | undefined> {
	// Another worker may have taken over and be done.
	if (await store.has(key).then(async has => has && (await store.get(key)) !== undefined)) {
		return undefined;
	}

	const job = await unpack(parcel, store);
	try {
		await store.put(key, entryOf(job, await pool.run(job)));
		return undefined;
	} catch (error) {
		if (error instanceof SnugError && error.code !== 'store-failed') {
			await store.put(key, {values: {error: {code: error.code, detail: error.detail} satisfies Failure}, arrays: []});
			return error.message;
		}

		throw error;
	}
}
