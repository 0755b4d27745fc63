/** Reads the body of an answer, never more than the file may have. */
import {SnugError} from '../../compiler/error.js';

/**
 * A place that takes one file after the other: what was read lies in it until the next. Engines collect a worker's garbage late, so a
 * buffer for each file would let much of the bundle stand in memory a second time.
 */
export type Room = {readonly buffer: ArrayBuffer};

/** A file of unknown size (the manifest) may have so many. */
const unknownLimit = 64 * 1024 * 1024;

export async function readBody(
	url: URL,
	response: Response,
	bytes: number | undefined,
	room: Room | undefined,
	onBytes: (count: number) => void,
): Promise<Uint8Array> {
	const limit = bytes ?? unknownLimit;
	const parts: Uint8Array[] = [];
	// With the size known, one buffer of it takes the bytes as they come.
	const whole = bytes === undefined ? undefined : room && room.buffer.byteLength >= bytes ? new Uint8Array(room.buffer, 0, bytes) : new Uint8Array(bytes);
	let length = 0;
	const take = (part: Uint8Array): void => {
		if (length + part.length > limit) {
			throw tooLong(url, bytes);
		}

		if (whole) {
			whole.set(part, length);
		} else {
			parts.push(part);
		}

		length += part.length;
		onBytes(part.length);
	};

	const reader = response.body?.getReader();
	if (reader) {
		try {
			for (let read = await reader.read(); !read.done; read = await reader.read()) {
				take(read.value);
			}
		} catch (error) {
			// Not awaited: a broken stream may never confirm.
			reader.cancel().catch(() => undefined);
			throw error;
		}
	} else {
		take(new Uint8Array(await response.arrayBuffer()));
	}

	if (bytes !== undefined && length < bytes) {
		throw new SnugError('short-file', {
			subject: url.href,
			problem: 'the file is too short',
			expected: `${bytes} bytes`,
			found: String(length),
			hint: 'upload the bundle again',
		});
	}

	return whole ?? join(parts, length);
}

function tooLong(url: URL, bytes: number | undefined): SnugError {
	return new SnugError('long-file', {
		subject: url.href,
		problem: 'the file is too long',
		expected: bytes === undefined ? `at most ${unknownLimit} bytes` : `${bytes} bytes`,
		found: 'more',
		hint: 'upload the bundle again',
	});
}

function join(parts: readonly Uint8Array[], length: number): Uint8Array {
	const whole = new Uint8Array(length);
	let at = 0;
	for (const part of parts) {
		whole.set(part, at);
		at += part.length;
	}

	return whole;
}
