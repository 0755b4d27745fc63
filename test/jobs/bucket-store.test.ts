/** A store in a bucket: what a folder does, over a protocol whose signatures are checked by other code than ours. */
import test, {type ExecutionContext} from 'ava';
import {openBucketStore, type Environment} from '../../compiler/jobs/bucket-store.js';
import {SnugError} from '../../compiler/error.js';
import {key, openBucketServer, type BucketServer} from '../helpers/bucket-server.js';

async function open(t: ExecutionContext): Promise<{server: BucketServer; environment: Environment}> {
	const server = await openBucketServer();
	t.teardown(async () => server.close());
	return {server, environment: {AWS_ACCESS_KEY_ID: key.id, AWS_SECRET_ACCESS_KEY: key.secret, AWS_ENDPOINT_URL: server.url, AWS_REGION: 'eu-central-1'}};
}

const name = 'ab'.repeat(32);

test('entries come back as they were put, and a damaged one is none', async t => {
	const {server, environment} = await open(t);
	const store = await openBucketStore('s3://weights/models/one/', environment);
	t.false(await store.has(name));
	t.is(await store.get(name), undefined);
	const entry = {values: {seconds: 1.5}, arrays: [Uint8Array.of(1, 2, 3), new Uint8Array(100_000).fill(7)]};
	await store.put(name, entry);
	await store.put(name, entry);
	t.true(await store.has(name));
	t.deepEqual(await store.get(name), entry);
	const object = `/weights/models/one/ab/${name}`;
	t.deepEqual([...server.objects.keys()], ['/weights/models/one/identity', object]);
	server.objects.get(object)![40]! ^= 1;
	t.is(await store.get(name), undefined);
	await store.put(name, entry);
	t.deepEqual(await store.get(name), entry);
});

test('all who open a bucket know it by the same name, and another prefix by another', async t => {
	const {environment} = await open(t);
	const stores = await Promise.all(['s3://weights', 's3://weights', 's3://weights/', 's3://weights/other'].map(async url => openBucketStore(url, environment)));
	const ids = stores.map(({id}) => id);
	t.is(new Set(ids.slice(0, 3)).size, 1);
	t.not(ids[3], ids[0]);
	t.true(ids.every(id => /^[\da-f]{8}$/.test(id)));
});

test('a busy service is asked again, and one that stays so is an error', async t => {
	const {server, environment} = await open(t);
	const store = await openBucketStore('s3://weights', environment);
	server.failures.push(503, 500);
	t.false(await store.has(name));
	server.failures.push(503, 503, 503, 503);
	await t.throwsAsync(store.get(name), {instanceOf: SnugError, message: /^the store 's3:\/\/weights': cannot be used at http.*status 503.*SlowDown/s});
	t.is(server.failures.length, 0);
});

test('wrong keys, missing ones, names of no bucket and services that are not there are refused by name', async t => {
	const {server, environment} = await open(t);
	await t.throwsAsync(openBucketStore('s3://weights', {...environment, AWS_SECRET_ACCESS_KEY: 'other'}), {
		message: /status 403 to GET identity.*SignatureDoesNotMatch/s,
	});
	t.is(server.objects.size, 0);
	await t.throwsAsync(openBucketStore('s3://weights', {}), {message: /needs a key.*AWS_ACCESS_KEY_ID/s});
	for (const url of ['s3://', 's3:weights', 's3://We ights/x', 's3://weights/a#b', 's3://weights/a?b', 's3://weights/a+b']) {
		await t.throwsAsync(openBucketStore(url, environment), {instanceOf: SnugError, message: /names no bucket/});
	}

	await server.close();
	await t.throwsAsync(openBucketStore('s3://weights', environment), {message: /cannot be used at http:\/\/127\.0\.0\.1.*ECONNREFUSED/s});
});
