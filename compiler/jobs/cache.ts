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
import {kernelFile} from '../plan/kernel-files.js';

/** Plain values and arrays of numbers. */
export type Entry = {readonly values: Readonly<Record<string, unknown>>; readonly arrays: readonly Uint8Array[]};

export type Cache = {
	/** @param content What decides the result; the kernels that compute it are part of the key. */
	key(...content: ReadonlyArray<string | Uint8Array>): string;
	get(key: string): Entry | undefined;
	/** Does nothing where the folder cannot be written: a cache may fail, a compile may not for its sake. */
	put(key: string, entry: Entry): void;
	/** Removes what was used longest ago until the limit holds. */
	prune(): void;
};

/** Bytes that a cache holds at most. */
export const CACHE_LIMIT = 4e9;

/** Raised when the meaning of entries changes. */
const FORMAT = '1';

const SUFFIX = '.snug-cache';

/** Where a user's caches lie (XDG Base Directory Specification). */
export const defaultCacheFolder = (): string => path.join(process.env['XDG_CACHE_HOME'] || path.join(homedir(), '.cache'), 'snug');

export function openCache(folder: string, limit = CACHE_LIMIT): Cache {
	const kernels = createHash('sha256')
		.update(readFileSync(kernelFile('plain.wasm')))
		.digest('hex');
	const fileOf = (key: string): string => path.join(folder, `${key}${SUFFIX}`);
	return {
		key(...content) {
			const hash = createHash('sha256').update(`${FORMAT} ${kernels}`);
			for (const part of content) {
				hash.update(`${part.length} `).update(part);
			}

			return hash.digest('hex');
		},
		get(key) {
			const file = fileOf(key);
			if (!existsSync(file)) {
				return undefined;
			}

			const entry = parse(readFileSync(file));
			if (!entry) {
				rmSync(file, {force: true});
				return undefined;
			}

			const now = new Date();
			utimesSync(file, now, now);
			return entry;
		},
		put(key, entry) {
			const part = path.join(folder, `${randomUUID()}.part`);
			try {
				mkdirSync(folder, {recursive: true});
				writeFileSync(part, serialize(entry));
				renameSync(part, fileOf(key));
			} catch {
				if (existsSync(part)) {
					rmSync(part, {force: true});
				}
			}
		},
		prune() {
			if (!existsSync(folder)) {
				return;
			}

			const files = readdirSync(folder)
				.filter(name => name.endsWith(SUFFIX))
				.map(name => {
					const file = path.join(folder, name);
					const {size, mtimeMs} = statSync(file);
					return {file, size, mtimeMs};
				})
				.sort((a, b) => b.mtimeMs - a.mtimeMs);
			let total = 0;
			for (const {file, size} of files) {
				total += size;
				if (total > limit) {
					rmSync(file, {force: true});
				}
			}
		},
	};
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
