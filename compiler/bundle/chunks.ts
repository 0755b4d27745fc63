/** Packs parts into chunk files of at most CHUNK_BYTES as they come; never holds more than one chunk. */
import {createHash} from 'node:crypto';
import {writeFileSync, mkdirSync} from 'node:fs';
import path from 'node:path';
import {ALIGNMENT, CHUNK_BYTES, type FileEntry, type PartEntry} from './format.js';

export const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** Writes `bytes` under a name that carries their hash: `NAME.HASH.EXT`. */
export function writeHashed(directory: string, name: string, bytes: Uint8Array): FileEntry {
	const hash = sha256(bytes);
	const {dir, name: base, ext} = path.parse(name);
	const file = path.posix.join(dir, `${base}.${hash.slice(0, 16)}${ext}`);
	mkdirSync(path.join(directory, dir), {recursive: true});
	return writeNamed(directory, file, bytes, hash);
}

/** A file under its own name: one that people open. */
export function writeNamed(directory: string, file: string, bytes: Uint8Array, hash = sha256(bytes)): FileEntry {
	writeFileSync(path.join(directory, file), bytes);
	return {file, bytes: bytes.length, sha256: hash};
}

export type ChunkWriter = {
	/** Adds a part and answers its index. */
	add(name: string, bytes: Uint8Array): number;
	finish(): {readonly chunks: readonly FileEntry[]; readonly parts: readonly PartEntry[]};
};

export function createChunkWriter(directory: string): ChunkWriter {
	const chunks: FileEntry[] = [];
	const parts: PartEntry[] = [];
	const buffer = new Uint8Array(CHUNK_BYTES);
	let used = 0;
	mkdirSync(path.join(directory, 'chunks'), {recursive: true});

	const flush = (): void => {
		if (used > 0) {
			const bytes = buffer.subarray(0, used);
			const hash = sha256(bytes);
			const file = `chunks/${hash}.bin`;
			writeFileSync(path.join(directory, file), bytes);
			chunks.push({file, bytes: used, sha256: hash});
			used = 0;
			buffer.fill(0);
		}
	};

	return {
		add(name, bytes) {
			const pieces: Array<{chunk: number; offset: number; bytes: number}> = [];
			for (let at = 0; at < bytes.length;) {
				used = Math.ceil(used / ALIGNMENT) * ALIGNMENT;
				if (used >= CHUNK_BYTES) {
					flush();
				}

				const count = Math.min(bytes.length - at, CHUNK_BYTES - used);
				buffer.set(bytes.subarray(at, at + count), used);
				pieces.push({chunk: chunks.length, offset: used, bytes: count});
				used += count;
				at += count;
			}

			parts.push({name, bytes: bytes.length, pieces});
			return parts.length - 1;
		},
		finish() {
			flush();
			return {chunks, parts};
		},
	};
}
