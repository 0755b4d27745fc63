/**
 * A folder of results by the hash of what they were computed from. An entry appears whole or not at all, so an interrupted compile loses
 * only what was under way; one that is damaged counts as missing. Where the folder grows beyond its limit, what was used longest ago goes.
 */
import {randomUUID} from 'node:crypto';
import {existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync} from 'node:fs';
import {homedir} from 'node:os';
import path from 'node:path';
import {parse, serialize, type Entry} from './entry.js';

export type Cache = {
	get(key: string): Entry | undefined;
	/** Does nothing where the folder cannot be written: a cache may fail, a compile may not for its sake. */
	put(key: string, entry: Entry): void;
	/** Removes what was used longest ago until the limit holds. */
	prune(): void;
};

/** Bytes that a cache holds at most. */
export const CACHE_LIMIT = 4e9;

const PART = '.part';

/** Milliseconds after which a file that was begun is nobody's. */
const ABANDONED = 24 * 60 * 60 * 1000;

const SUFFIX = '.snug-cache';

/** Where a user's caches lie (XDG Base Directory Specification). */
export const defaultCacheFolder = (): string => path.join(process.env['XDG_CACHE_HOME'] || path.join(homedir(), '.cache'), 'snug');

export function openCache(folder: string, limit = CACHE_LIMIT): Cache {
	const fileOf = (key: string): string => path.join(folder, `${key}${SUFFIX}`);
	return {
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
