/**
 * A store in a bucket that speaks S3's protocol: s3://BUCKET/PREFIX. Keys, region and endpoint come from the environment, by the names that
 * all its tools use: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_REGION, and AWS_ENDPOINT_URL_S3 or AWS_ENDPOINT_URL for
 * other services than Amazon's. Objects are addressed by path, which all services know.
 */
import {randomUUID} from 'node:crypto';
import process from 'node:process';
import {setTimeout as delay} from 'node:timers/promises';
import {AwsClient} from 'aws4fetch';
import {SnugError} from '../error.js';
import {parse, serialize} from './entry.js';
import type {Store} from './store.js';

/** Tries of a request, and milliseconds before the second; doubled each time. */
const [TRIES, DELAY] = [4, 200];

export type Environment = Readonly<Record<string, string | undefined>>;

/** @throws SnugError store-failed, where the bucket cannot be read or written. */
export async function openBucketStore(url: string, environment: Environment = process.env): Promise<Store> {
	const {bucket, prefix} = parseBucket(url);
	const client = clientOf(url, environment);
	const region = environment['AWS_REGION'] ?? environment['AWS_DEFAULT_REGION'] ?? 'us-east-1';
	const endpoint = environment['AWS_ENDPOINT_URL_S3'] ?? environment['AWS_ENDPOINT_URL'] ?? `https://s3.${region}.amazonaws.com`;
	const addressOf = (key: string): string => `${endpoint.replace(/\/+$/, '')}/${bucket}/${prefix}${key}`;
	const fail = (found: string, cause?: Error): never => {
		throw new SnugError(
			'store-failed',
			{
				subject: `the store '${url}'`,
				problem: `cannot be used at ${endpoint}`,
				found,
				hint: 'check the name of the bucket and AWS_ENDPOINT_URL; the key must be allowed to get, put and list its objects',
			},
			cause && {cause},
		);
	};

	/** The answer, body and all, if its status is one of these. */
	const ask = async (method: 'GET' | 'HEAD' | 'PUT', key: string, statuses: readonly number[], init: RequestInit = {}): Promise<Answer> => {
		for (let attempt = 1; ; attempt++) {
			const answer = await send(client, addressOf(key), {...init, method, aws: {service: 's3', region}});
			if (!(answer instanceof Error) && statuses.includes(answer.status)) {
				return answer;
			}

			const passes = answer instanceof Error || answer.status >= 500 || answer.status === 429;
			if (!passes || attempt >= TRIES) {
				return answer instanceof Error
					? fail(answer.cause instanceof Error ? answer.cause.message : answer.message, answer)
					: fail(`status ${answer.status} to ${method} ${key}${reasonOf(answer.body.toString())}`);
			}

			await delay(DELAY * 2 ** (attempt - 1));
		}
	};

	const identify = async (): Promise<string> => {
		for (let attempt = 1; attempt <= TRIES; attempt++) {
			const {status, body} = await ask('GET', 'identity', [200, 404]);
			if (status === 200) {
				return body.toString();
			}

			// Whoever comes first names the store; a service that does not know the condition says so.
			const init = {body: randomUUID().slice(0, 8)};
			const written = await ask('PUT', 'identity', [200, 409, 412, 501], {...init, headers: {'if-none-match': '*'}});
			if (written.status === 501) {
				await ask('PUT', 'identity', [200], init);
			}

			// Another may have written at the same time: what is there in the end counts.
			await delay(DELAY);
		}

		return fail('no name of the store that stays');
	};

	const objectOf = (key: string): string => `${key.slice(0, 2)}/${key}`;
	return {
		id: await identify(),
		has: async key => (await ask('HEAD', objectOf(key), [200, 404])).status === 200,
		async get(key) {
			const {status, body} = await ask('GET', objectOf(key), [200, 404]);
			return status === 404 ? undefined : parse(body);
		},
		async put(key, entry) {
			await ask('PUT', objectOf(key), [200], {body: serialize(entry) as BodyInit});
		},
	};
}

type Answer = {readonly status: number; readonly body: Buffer};

/** What came whole, or why it did not. */
async function send(client: AwsClient, address: string, init: Parameters<AwsClient['fetch']>[1]): Promise<Answer | Error> {
	try {
		const answer = await client.fetch(address, init);
		return {status: answer.status, body: Buffer.from(await answer.arrayBuffer())};
	} catch (error) {
		return error as Error;
	}
}

function parseBucket(url: string): {readonly bucket: string; readonly prefix: string} {
	const found = /^s3:\/\/([a-z\d][a-z\d.-]+)(?:\/([\w./-]*))?$/.exec(url);
	if (!found) {
		throw new SnugError('store-failed', {
			subject: `the store '${url}'`,
			problem: 'names no bucket',
			expected: 's3://BUCKET or s3://BUCKET/PREFIX, the prefix of letters, digits, dots, dashes and slashes',
			found: url,
		});
	}

	const prefix = (found[2] ?? '').replaceAll(/^\/+|\/+$/g, '');
	return {bucket: found[1]!, prefix: prefix === '' ? '' : `${prefix}/`};
}

function clientOf(url: string, environment: Environment): AwsClient {
	const [accessKeyId, secretAccessKey] = [environment['AWS_ACCESS_KEY_ID'], environment['AWS_SECRET_ACCESS_KEY']];
	if (!accessKeyId || !secretAccessKey) {
		throw new SnugError('store-failed', {
			subject: `the store '${url}'`,
			problem: 'needs a key',
			expected: 'AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment',
			found: accessKeyId ? 'no AWS_SECRET_ACCESS_KEY' : 'no AWS_ACCESS_KEY_ID',
		});
	}

	const sessionToken = environment['AWS_SESSION_TOKEN'];
	return new AwsClient({accessKeyId, secretAccessKey, retries: 0, ...(sessionToken && {sessionToken})});
}

/** The code that services put into the XML of a refusal. */
const reasonOf = (body: string): string => {
	const found = /<Code>([\w.-]+)<\/Code>/.exec(body);
	return found ? ` (${found[1]})` : '';
};
