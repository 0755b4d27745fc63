/** Workers that die at random: the bytes of a local compile. */
import {rmSync} from 'node:fs';
import path from 'node:path';
import test from 'ava';
import {compile} from '../../compiler/compile.js';
import {filesOf} from '../helpers/files.js';
import {findModel} from '../helpers/models.js';
import {createRandom} from '../helpers/random.js';
import {temporaryFolder} from '../helpers/temporary.js';
import {hasRedis, startRedis, startWorker, type WorkerProcess} from '../jobs/machines.js';

const [WORKERS, KILLS] = [3, 20];

test('three workers, one of them killed twenty times, and a Redis that is restarted', async t => {
	t.timeout(1_200_000);
	if (!hasRedis()) {
		t.log('skipped: redis-server is not on this machine');
		t.pass();
		return;
	}

	const folder = temporaryFolder(t);
	const source = findModel('books-3m')!;
	const options = {budget: 2_600_000, calibration: 'sample', refine: false} as const;
	const local = path.join(folder, 'local');
	// What is computed before the jobs is kept, and the jobs are not.
	const cache = path.join(folder, 'cache');
	await compile(source, {...options, output: local, cache});
	const redis = await startRedis();
	const random = createRandom(9);
	let store = path.join(folder, 'store0');
	const workers: WorkerProcess[] = [];
	let [kills, compiles] = [0, 0];
	const under = {way: false};
	const replace = async (at: number): Promise<void> => {
		await workers[at]!.kill();
		workers[at] = await startWorker(redis.url, store);
	};

	/** Until the compile is over. */
	const harass = async (): Promise<void> => {
		while (under.way) {
			await new Promise(resolve => setTimeout(resolve, random.integer(50, 800)));
			if (kills < KILLS) {
				await replace(random.integer(0, WORKERS - 1));
				kills++;
				if (kills === KILLS / 2) {
					await redis.restart();
				}
			}
		}
	};

	try {
		for (; kills < KILLS; compiles++) {
			store = path.join(folder, `store${compiles}`);
			await Promise.all(workers.map(async worker => worker.kill()));
			workers.splice(0, WORKERS, ...(await Promise.all(Array.from({length: WORKERS}, async () => startWorker(redis.url, store)))));
			const output = path.join(folder, `remote${compiles}`);
			under.way = true;
			const harassed = harass();
			await compile(source, {...options, output, queue: {url: redis.url, store}}).finally(() => {
				under.way = false;
			});
			await harassed;
			t.deepEqual(filesOf(output), filesOf(local));
			rmSync(output, {recursive: true});
		}

		t.log(`${kills} workers killed in ${compiles} compiles`);
	} finally {
		await Promise.all(workers.map(async worker => worker.kill()));
		await redis.stop();
	}
});
