/**
 * Where machines that share jobs leave arrays and results for each other: entries by the hash of what they are. An entry never changes, and
 * whoever reads it sees it whole or not at all.
 */
import type {Entry} from './entry.js';

export type Store = {
	/** The same for all who use it, and for no other. */
	readonly id: string;
	has(key: string): Promise<boolean>;
	/** Undefined for one that is not there, or damaged. */
	get(key: string): Promise<Entry | undefined>;
	/** Overwrites what may be damaged; the same entry again changes nothing. */
	put(key: string, entry: Entry): Promise<void>;
};

/** @param name s3://BUCKET/PREFIX, or a folder. @throws SnugError store-failed. */
export async function openStore(name: string): Promise<Store> {
	if (name.startsWith('s3:')) {
		const {openBucketStore} = await import('./bucket-store.js');
		return openBucketStore(name);
	}

	const {openFolderStore} = await import('./folder-store.js');
	return openFolderStore(name);
}
