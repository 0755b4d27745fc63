/**
 * A store in a folder that all machines have in common. On NFS it wants the mount option lookupcache=positive: else a file that was looked
 * for before it came stays away for half a minute.
 */
import {randomUUID} from 'node:crypto';
import {access, mkdir, readFile, rename, rm, writeFile} from 'node:fs/promises';
import path from 'node:path';
import {setTimeout as delay} from 'node:timers/promises';
import {SnugError} from '../error.js';
import {parse, serialize} from './entry.js';
import type {Store} from './store.js';

const SUFFIX = '.snug-entry';

/** Characters of the file that names the store. */
const IDENTITY = 8;

/** @throws SnugError store-failed, where the folder cannot be read or written. */
export async function openFolderStore(folder: string): Promise<Store> {
	// Two levels: a folder of many thousand files is slow on some shares.
	const fileOf = (key: string): string => path.join(folder, key.slice(0, 2), `${key}${SUFFIX}`);
	const attempt = async <T>(what: string, run: () => Promise<T>): Promise<T> => {
		try {
			return await run();
		} catch (error) {
			throw new SnugError('store-failed', {
				subject: `the store '${folder}'`,
				problem: `cannot be ${what}`,
				found: (error as Error).message,
				hint: 'name with --store a folder that every machine can write to, with room for the weights',
			});
		}
	};

	await attempt('written to', async () => mkdir(folder, {recursive: true}));
	return {
		id: await attempt('written to', async () => identify(path.join(folder, 'identity'))),
		has: async key =>
			attempt('read', async () =>
				access(fileOf(key)).then(
					() => true,
					(error: unknown) => {
						if (!isMissing(error)) {
							throw error;
						}

						return false;
					},
				),
			),
		get: async key =>
			attempt('read', async () => {
				try {
					return parse(await readFile(fileOf(key)));
				} catch (error) {
					if (isMissing(error)) {
						return undefined;
					}

					throw error;
				}
			}),
		put: async (key, entry) =>
			attempt('written to', async () => {
				const file = fileOf(key);
				const part = `${file}.${randomUUID()}.part`;
				await mkdir(path.dirname(file), {recursive: true});
				try {
					await writeFile(part, serialize(entry));
					await rename(part, file);
				} catch (error) {
					await rm(part, {force: true});
					throw error;
				}
			}),
	};
}

const isMissing = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === 'ENOENT';

/** The name that whoever came first gave. */
async function identify(file: string): Promise<string> {
	try {
		await writeFile(file, randomUUID().slice(0, IDENTITY), {flag: 'wx'});
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code !== 'EEXIST') {
			throw error;
		}
	}

	// Whoever came first may be about to write it.
	for (let attempts = 0; attempts < 50; attempts++) {
		const id = await readFile(file, 'utf8');
		if (id.length === IDENTITY) {
			return id;
		}

		await delay(100);
	}

	throw new Error(`${file} is not whole: remove it`);
}
