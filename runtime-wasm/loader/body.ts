/** Reads the body of an answer, never more than the file may have. */
import {SnugError} from '../../compiler/error.js';

/**
 * A place that takes one file after the other: what was read lies in it until the next. Engines collect a worker's garbage late, so a
 * buffer for each file would let much of the bundle stand in memory a second time. Reading replaces the buffer by the same bytes under
 * another name.
 */
export type Room = {buffer: ArrayBuffer};

/** A file of unknown size (the manifest) may have so many. */
const unknownLimit = 64 * 1024 * 1024;

export async function readBody(
	url: URL,
	response: Response,
	bytes: number | undefined,
	room: Room | undefined,
	onBytes: (count: number) => void,
): Promise<Uint8Array> {
	if (bytes === undefined) {
		return readUnknown(url, response, onBytes);
	}

	const place = room ?? {buffer: new ArrayBuffer(bytes)};
	// A read that failed has taken the buffer with it.
	if (place.buffer.byteLength < bytes) {
		place.buffer = new ArrayBuffer(bytes);
	}

	let length = 0;
	const count = (more: number): void => {
		length += more;
		if (length > bytes) {
			throw tooLong(url, bytes);
		}

		onBytes(more);
	};

	const reader = openBytes(response);
	if (reader) {
		await untilDone(reader, async () => {
			// A byte of its own tells an end from a file that goes on.
			const full = length === bytes;
			const {value, done} = await reader.read(full ? new Uint8Array(1) : new Uint8Array(place.buffer, length, bytes - length));
			if (value && !full) {
				place.buffer = value.buffer;
			}

			count(done ? 0 : value.length);
			return done;
		});
	} else {
		await readParts(response, part => {
			const at = length;
			count(part.length);
			new Uint8Array(place.buffer).set(part, at);
		});
	}

	if (length < bytes) {
		throw new SnugError('short-file', {
			subject: url.href,
			problem: 'the file is too short',
			expected: `${bytes} bytes`,
			found: String(length),
			hint: 'upload the bundle again',
		});
	}

	return new Uint8Array(place.buffer, 0, bytes);
}

async function readUnknown(url: URL, response: Response, onBytes: (count: number) => void): Promise<Uint8Array> {
	const parts: Uint8Array[] = [];
	let length = 0;
	await readParts(response, part => {
		length += part.length;
		if (length > unknownLimit) {
			throw tooLong(url, undefined);
		}

		parts.push(part);
		onBytes(part.length);
	});
	return join(parts, length);
}

/** A reader that fills the caller's buffers, where the engine has one: a reader that hands out its own leaves the whole file as garbage. */
function openBytes({body}: Response): ReadableStreamBYOBReader | undefined {
	try {
		return body?.getReader({mode: 'byob'});
	} catch {
		return undefined;
	}
}

async function readParts(response: Response, take: (part: Uint8Array) => void): Promise<void> {
	const reader = response.body?.getReader();
	if (!reader) {
		take(new Uint8Array(await response.arrayBuffer()));
		return;
	}

	await untilDone(reader, async () => {
		const {value, done} = await reader.read();
		if (value) {
			take(value);
		}

		return done;
	});
}

async function untilDone(reader: ReadableStreamDefaultReader | ReadableStreamBYOBReader, step: () => Promise<boolean>): Promise<void> {
	try {
		while (!(await step())) {
			// Each step reads what has come.
		}
	} catch (error) {
		// Not awaited: a broken stream may never confirm.
		reader.cancel().catch(() => undefined);
		throw error;
	}
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
