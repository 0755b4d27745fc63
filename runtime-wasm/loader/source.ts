/**
 * Reads the bundle's files, whatever they come from: HTTP, a file: URL, or the caller's fetch on the page. The page reads the manifest
 * while its worker starts. The worker reads all else, and verifies every file against the manifest; a damaged one is fetched once more
 * before it is an error.
 */
import type {FileEntry} from '../../compiler/bundle/format.js';
import {SnugError} from '../../compiler/error.js';
import type {Room} from './body.js';
import {fetchFile} from './fetch.js';
import {sha256} from './hash.js';
import {host} from './host.js';
import {parseManifest, type Bundle} from './manifest.js';

/** Asks the page to fetch; see `protocol.ts`. */
export type RemoteFetch = (url: string, bytes: number, reload: boolean, signal: AbortSignal) => Promise<Uint8Array>;

export type Source = {
	/** A file of the bundle, verified. `onBytes` counts what has come; it may be taken back. With a room, the bytes may lie in it. */
	read(entry: FileEntry, onBytes?: (count: number) => void, room?: Room): Promise<Uint8Array>;
	urlOf(entry: FileEntry): URL;
};

export function openSource(manifest: URL, signal: AbortSignal, remote: RemoteFetch | undefined): Source {
	const urlOf = ({file}: FileEntry): URL => new URL(file, manifest);
	const get = async (url: URL, bytes: number, reload: boolean, onBytes?: (count: number) => void, room?: Room): Promise<Uint8Array> => {
		if (!remote && !isLocal(url)) {
			return fetchFile(url, {fetch: globalThis.fetch, signal, bytes, room, reload, ...(onBytes ? {onBytes} : {})});
		}

		const file = remote ? await remote(url.href, bytes, reload, signal) : await readLocal(url, signal);
		onBytes?.(file.length);
		return file;
	};

	const read = async (entry: FileEntry, onBytes?: (count: number) => void, room?: Room): Promise<Uint8Array> => {
		for (let again = false; ; again = true) {
			const bytes = await get(urlOf(entry), entry.bytes, again, onBytes, room);
			signal.throwIfAborted();
			const found = bytes.length === entry.bytes ? await sha256(bytes) : `${bytes.length} bytes`;
			if (found === entry.sha256) {
				return bytes;
			}

			onBytes?.(-bytes.length);
			if (again) {
				throw new SnugError('damaged-file', {
					subject: urlOf(entry).href,
					problem: 'the file is damaged',
					expected: bytes.length === entry.bytes ? `SHA-256 ${entry.sha256}` : `${entry.bytes} bytes`,
					found,
					hint: 'upload the bundle again',
				});
			}
		}
	};

	return {read, urlOf};
}

/** @param fetch The caller's; the place's own unless given. */
export async function readManifest(url: URL, fetch: typeof globalThis.fetch | undefined, signal: AbortSignal): Promise<Bundle> {
	const local = fetch === undefined && isLocal(url);
	const bytes = local ? await readLocal(url, signal) : await fetchFile(url, {fetch: fetch ?? globalThis.fetch, signal});
	return parseManifest(new TextDecoder().decode(bytes));
}

const isLocal = (url: URL): boolean => url.protocol === 'file:' && host.readFile !== undefined;

async function readLocal(url: URL, signal: AbortSignal): Promise<Uint8Array> {
	try {
		return await host.readFile!(url, signal);
	} catch (error) {
		signal.throwIfAborted();
		throw new SnugError(
			'unreadable',
			{
				subject: url.href,
				problem: `cannot be read (${error instanceof Error ? error.message : String(error)})`,
				hint: 'name the folder that holds manifest.json',
			},
			{cause: error},
		);
	}
}
