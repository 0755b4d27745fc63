/**
 * A bucket on loopback with the part of S3's protocol that a store uses: objects by path, and requests signed with version 4 of Amazon's
 * signatures, which are checked as its documentation describes them, by code of their own.
 */
import {createHash, createHmac} from 'node:crypto';
import {createServer, type IncomingMessage} from 'node:http';
import type {AddressInfo} from 'node:net';

export type BucketServer = {
	readonly url: string;
	readonly objects: Map<string, Buffer>;
	/** Requests that are answered with this status before the others. */
	failures: number[];
	close(): Promise<void>;
};

export const key = {id: 'AKIDEXAMPLE', secret: 'a secret/with+signs'} as const;

export async function openBucketServer(): Promise<BucketServer> {
	const objects = new Map<string, Buffer>();
	const failures: number[] = [];
	const server = createServer((request, response) => {
		const parts: Buffer[] = [];
		request.on('data', (part: Buffer) => parts.push(part));
		request.on('end', () => {
			const answer = (status: number, body: Buffer | string = ''): void => {
				response.writeHead(status).end(request.method === 'HEAD' ? undefined : body);
			};

			const refuse = (status: number, code: string): void => {
				answer(status, `<?xml version="1.0"?><Error><Code>${code}</Code></Error>`);
			};

			const failure = failures.shift();
			const name = request.url!;
			if (failure !== undefined) {
				refuse(failure, 'SlowDown');
			} else if (!isSigned(request)) {
				refuse(403, 'SignatureDoesNotMatch');
			} else if (request.method === 'PUT') {
				if (request.headers['if-none-match'] === '*' && objects.has(name)) {
					refuse(412, 'PreconditionFailed');
				} else {
					objects.set(name, Buffer.concat(parts));
					answer(200);
				}
			} else if (objects.has(name)) {
				answer(200, objects.get(name));
			} else {
				refuse(404, 'NoSuchKey');
			}
		});
	});
	await new Promise<void>(resolve => {
		server.listen(0, '127.0.0.1', resolve);
	});
	return {
		url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
		objects,
		failures,
		async close() {
			server.closeAllConnections();
			await new Promise(resolve => {
				server.close(resolve);
			});
		},
	};
}

/** Signature version 4: the canonical request, what is signed of it, and the key that is derived from the secret. */
function isSigned({method, url, headers}: IncomingMessage): boolean {
	const found = /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/s3\/aws4_request, ?SignedHeaders=([^,]+), ?Signature=([\da-f]{64})$/.exec(
		headers.authorization ?? '',
	);
	if (!found || found[1] !== key.id) {
		return false;
	}

	const [, , day, region, names, signature] = found as unknown as string[];
	const signed = names!.split(';').map(name => `${name}:${String(headers[name]).trim()}\n`);
	const canonical = [method, url, '', signed.join(''), names, headers['x-amz-content-sha256']].join('\n');
	const scope = `${day}/${region}/s3/aws4_request`;
	const text = ['AWS4-HMAC-SHA256', headers['x-amz-date'], scope, createHash('sha256').update(canonical).digest('hex')].join('\n');
	const sign = (secret: string | Buffer, value: string): Buffer => createHmac('sha256', secret).update(value).digest();
	const derived = ['s3', 'aws4_request'].reduce((secret, value) => sign(secret, value), sign(sign(`AWS4${key.secret}`, day!), region!));
	return sign(derived, text).toString('hex') === signature;
}
