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

/** Machines with other code, which would compute other results, and machines with another store have another queue. */
const queueName = ({id}: Store): string => `snug-${codeHash().slice(0, 16)}-${id}`;

/** Jobs that a compile offers at once. */
const WIDTH = 16;

/** Milliseconds between looks into the store at first and at most, and between looks into the queue. */
const [SOON, LATE, OFFER] = [20, 250, 2000];

/** Milliseconds after which a job whose worker is gone is another's, and between looks for those. */
const [LOCK, STALLED] = [10_000, 5000];

/** Milliseconds until Redis must have answered at first, and for which it may refuse what it is asked; away it may be for as long as it likes. */
const [REACH, REFUSE] = [5000, 60_000];

/** Milliseconds for a worker to tell Redis that its last jobs are done. */
const FAREWELL = 1000;

/** Failures of one job, from a worker that went wrong rather than from what the job is, until the compile gives up. */
const FAILURES = 3;

/** Workers that may be lost over one job: more, and the job is what ends them. */
const LOST = 50;

/** Without the name and the password that a URL may hold. */
function placeOf(url: string): string {
	if (!URL.canParse(url)) {
		return 'no URL';
	}

	const {protocol, host} = new URL(url);
	return `${protocol}//${host}`;
}

async function connect(url: string): Promise<Redis> {
	const refuse = (problem: string, found: string, hint: string): SnugError =>
		new SnugError('queue-unreachable', {subject: '--queue', problem, expected: 'a URL like redis://host:6379', found, hint});
	const place = placeOf(url);
	if (!/^rediss?:/.test(place)) {
		throw refuse('not the URL of a Redis', place, 'write special characters of a password in percent code');
	}

	const redis = new Redis(url, {lazyConnect: true, maxRetriesPerRequest: null, retryStrategy: attempt => Math.min(100 * attempt, 2000)});
	let last = `nothing within ${REACH / 1000} s`;
	const note = ({message}: Error): void => {
		last = message || last;
	};

	redis.on('error', note);
	const reached = await within(
		redis.ping().then(() => true),
		REACH,
	).catch((error: unknown) => {
		note(error as Error);
	});
	if (!reached) {
		redis.disconnect();
		throw /NOAUTH|WRONGPASS|NOPERM/.test(last)
			? refuse(`the Redis at ${place} does not let this machine in`, last, 'put the name and the password into the URL')
			: refuse(`no Redis answers at ${place}`, last, 'start redis-server there, or leave out --queue');
	}

	return redis;
}

/** What comes of it, or undefined where it takes longer. @throws What the signal was aborted with. */
async function within<T>(work: Promise<T>, milliseconds: number, signal?: AbortSignal): Promise<T | undefined> {
	const over = new AbortController();
	const timer = delay(milliseconds, undefined, {signal: signal ? AbortSignal.any([signal, over.signal]) : over.signal});
	try {
		return await Promise.race([work, timer]);
	} finally {
		over.abort();
	}
}

/** Errors of connections, which come back by themselves. */
const ignore = (): void => undefined;

export type QueueOptions = {
	/** Of Redis. */
	readonly url: string;
	readonly store: Store;
	/** Called once, when jobs wait and no worker of this code and this store is there. */
	onAlone?(): void;
};

/** A pool whose jobs others run. */
export async function openQueuePool({url, store, onAlone}: QueueOptions): Promise<Pool> {
	const connection = await connect(url);
	const queue = new Queue<Parcel>(queueName(store), {connection, defaultJobOptions: {removeOnComplete: true}});
	queue.on('error', ignore);
	const closing = new AbortController();
	let alone = false;
	/** Offers a job that the queue does not hold. @returns why it failed, where it did. */
	const offer = async (key: string, parcel: Parcel): Promise<string | undefined> => {
		const known = await queue.getJob(key);
		if (known && (await known.isFailed())) {
			await queue.remove(key);
			return known.failedReason || 'no reason';
		}

		if (!known) {
			await queue.add(parcel.kind, parcel, {jobId: key});
		} else if (!alone && (await queue.getWorkersCount().catch(() => 1)) === 0) {
			alone = true;
			onAlone?.();
		}

		return undefined;
	};

	return {
		width: WIDTH,
		async run<J extends Job>(job: J, wanted?: AbortSignal): Promise<JobResult<J>> {
			const signal = AbortSignal.any(wanted ? [wanted, closing.signal] : [closing.signal]);
			const key = jobKey(job);
			const failures: string[] = [];
			let parcel: Parcel | undefined;
			let [wait, offered, answered] = [SOON, -Infinity, performance.now()];
			for (let offers = 0; ;) {
				signal.throwIfAborted();
				const found = await store.get(key);
				if (found) {
					requireSuccess(found.values['error'] as Failure | undefined);
					return resultOf(job, found);
				}

				if (performance.now() - offered > OFFER) {
					// What workers do not find may be damaged.
					parcel ??= await pack(job, store, {verify: failures.length > 0});
					offered = performance.now();
					try {
						const failed = await within(offer(key, parcel), LOCK, signal);
						answered = performance.now();
						if (failed !== undefined) {
							// Of the first offer: a failure that an earlier compile left.
							failures.push(...(offers > 0 ? [failed] : []));
							requireFewer(failures, job);
							[parcel, offered] = [undefined, -Infinity];
						}
					} catch (error) {
						signal.throwIfAborted();
						requirePatience(performance.now() - answered, error);
					}

					offers++;
				}

				await delay(wait, undefined, {signal});
				wait = Math.min(1.5 * wait, LATE);
			}
		},
		async close() {
			closing.abort();
			await within(queue.close(), FAREWELL);
			connection.disconnect();
		},
	};
}

/** Redis refuses (its memory or disk is full, it only reads): that may pass. */
function requirePatience(refused: number, error: unknown): void {
	if (error instanceof SnugError) {
		throw error;
	}

	if (refused > REFUSE) {
		throw new SnugError('queue-failed', {
			subject: '--queue',
			problem: `Redis has taken no job for ${REFUSE / 1000} s`,
			found: (error as Error).message,
			hint: 'look at its memory and its disk, or leave out --queue',
		});
	}
}

type Failure = {readonly code: string; readonly detail: ErrorDetail};

function requireSuccess(failure: Failure | undefined): void {
	if (failure) {
		throw new SnugError(failure.code, failure.detail);
	}
}

function requireFewer(failures: readonly string[], {weight}: Job): void {
	if (failures.length >= FAILURES) {
		throw new SnugError('job-failed', {
			subject: `a job of weight '${weight.name}'`,
			problem: `failed ${failures.length} times on the workers`,
			found: failures.at(-1)!,
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
	const under = new Set<Promise<void>>();
	const work = async (key: string, parcel: Parcel): Promise<void> => {
		const started = performance.now();
		const tell = (error?: string): void =>
			onJob?.({kind: parcel.kind, weight: parcel.weight.name, seconds: (performance.now() - started) / 1000, ...(error === undefined ? {} : {error})});
		try {
			tell(await runParcel(key, parcel, store, pool));
		} catch (error) {
			tell((error as Error).message);
			throw error;
		}
	};

	const worker = new Worker<Parcel>(
		queueName(store),
		async ({id, data}) => {
			const working = work(id!, data).finally(() => under.delete(working));
			under.add(working);
			return working;
		},
		{connection, concurrency: pool.width - 1, lockDuration: LOCK, stalledInterval: STALLED, maxStalledCount: LOST},
	);
	worker.on('error', ignore);
	const aborted = new Promise<void>(resolve => {
		signal.addEventListener('abort', () => resolve(), {once: true});
		if (signal.aborted) {
			resolve();
		}
	});
	try {
		await Promise.race([worker.waitUntilReady(), aborted]);
		onReady?.();
		await aborted;
	} finally {
		// Results are in the store before Redis hears of them: it may be away, and need not hear.
		await within(worker.pause(true), FAREWELL).catch(ignore);
		const last = [...under];
		await Promise.allSettled(last);
		await delay(last.length > 0 ? FAREWELL : 0);
		await within(worker.close(true), FAREWELL).catch(ignore);
		connection.disconnect();
		await pool.close();
	}
}

/** Puts the result into the store, or the error of a job that no machine can do. */
async function runParcel(key: string, parcel: Parcel, store: Store, pool: Pool): Promise<string | undefined> {
	// Another worker may have taken over and be done.
	if (await store.get(key)) {
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
