/**
 * A folder of results by the hash of what they were computed from. An entry appears whole or not at all, so an interrupted compile loses
 * only what was under way; one that is damaged counts as missing. Where the folder grows beyond its limit, what was used longest ago goes.
 *
 * An entry: 32 bytes of SHA-256 of the rest; a JSON text and its length as u32; the arrays that the text names.
 */
import {createHash, randomUUID} from 'node:crypto';
import {existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync} from 'node:fs';
import {homedir} from 'node:os';
import path from 'node:path';
import {kernelFile, workerFile} from '../built-files.js';
import {version} from '../version.js';

/** Plain values and arrays of numbers. */
export type Entry = {readonly values: Readonly<Record<string, unknown>>; readonly arrays: readonly Uint8Array[]};

export type Cache = {
	/** @param content What decides the result; the code that computes it is part of the key. */
	key(content: Iterable<string | Uint8Array>): string;
	get(key: string): Entry | undefined;
	/** Does nothing where the folder cannot be written: a cache may fail, a compile may not for its sake. */
	put(key: string, entry: Entry): void;
	/** Removes what was used longest ago until the limit holds. */
	prune(): void;
};

/** Bytes that a cache holds at most. */
export const CACHE_LIMIT = 4e9;

/** Raised when the meaning of entries changes, or what calibration computes: the key holds the rest of the code. */
const FORMAT = '1';

const PART = '.part';

/** Milliseconds after which a file that was begun is nobody's. */
const ABANDONED = 24 * 60 * 60 * 1000;

const SLICE = 1 << 30;

const SUFFIX = '.snug-cache';

/** Where a user's caches lie (XDG Base Directory Specification). */
export const defaultCacheFolder = (): string => path.join(process.env['XDG_CACHE_HOME'] || path.join(homedir(), '.cache'), 'snug');

export function openCache(folder: string, limit = CACHE_LIMIT): Cache {
	const code = createHash('sha256')
		.update(readFileSync(kernelFile('plain.wasm')))
		.update(readFileSync(workerFile('job-worker.js')))
		.digest('hex');
	const fileOf = (key: string): string => path.join(folder, `${key}${SUFFIX}`);
	return {
		key(content) {
			const hash = createHash('sha256').update(`${FORMAT} ${version} ${code}`);
			for (const part of content) {
				hash.update(`${part.length} `);
				// A hash takes less than 2 GiB at once.
				for (let at = 0; at < part.length; at += SLICE) {
					hash.update(part.slice(at, at + SLICE));
				}
			}

			return hash.digest('hex');
		},
		get(key) {
			const file = fileOf(key);
			// Other compiles may remove it at any time.
			const bytes = attempt(() => (existsSync(file) ? readFileSync(file) : undefined));
			const entry = bytes && parse(bytes);
			attempt(() => {
				if (entry) {
					const now = new Date();
					utimesSync(file, now, now);
				} else if (bytes) {
					rmSync(file, {force: true});
				}
			});
			return entry;
		},
		put(key, entry) {
			const part = path.join(folder, `${randomUUID()}${PART}`);
			try {
				mkdirSync(folder, {recursive: true});
				writeFileSync(part, serialize(entry));
				renameSync(part, fileOf(key));
			} catch {
				attempt(() => {
					rmSync(part, {force: true});
				});
			}
		},
		prune() {
			const names = attempt(() => readdirSync(folder)) ?? [];
			const files = names.flatMap(name => {
				const file = path.join(folder, name);
				const found = attempt(() => statSync(file));
				return found ? [{file, size: found.size, used: found.mtimeMs}] : [];
			});
			const old = Date.now() - ABANDONED;
			let total = 0;
			for (const {file, size, used} of files.sort((a, b) => b.used - a.used)) {
				const isEntry = file.endsWith(SUFFIX);
				total += isEntry ? size : 0;
				if (isEntry ? total > limit : file.endsWith(PART) && used < old) {
					attempt(() => {
						rmSync(file, {force: true});
					});
				}
			}
		},
	};
}

/** What comes of it, or undefined where the file system does not let it. */
function attempt<T>(run: () => T): T | undefined {
	try {
		return run();
	} catch {
		return undefined;
	}
}

function serialize({values, arrays}: Entry): Uint8Array {
	const text = new TextEncoder().encode(JSON.stringify({values, lengths: arrays.map(({byteLength}) => byteLength)}));
	const length = new Uint8Array(Uint32Array.of(text.length).buffer);
	const hash = createHash('sha256').update(length).update(text);
	for (const array of arrays) {
		hash.update(array);
	}

	return Buffer.concat([hash.digest(), length, text, ...arrays]);
}

function parse(bytes: Buffer): Entry | undefined {
	const body = bytes.subarray(32);
	if (body.length < 4 || !createHash('sha256').update(body).digest().equals(bytes.subarray(0, 32))) {
		return undefined;
	}

	const length = body.readUInt32LE(0);
	const {values, lengths} = JSON.parse(body.toString('utf8', 4, 4 + length)) as {values: Record<string, unknown>; lengths: number[]};
	let at = 4 + length;
	const arrays = lengths.map(size => {
		at += size;
		// A copy begins where numbers of four bytes may.
		return Uint8Array.from(body.subarray(at - size, at));
	});
	return {values, arrays};
}
