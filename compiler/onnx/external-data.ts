/**
 * Tensors whose bytes lie in a file beside the model. The file is checked when the model is imported and read by range each time the
 * data is wanted, so no copy stays.
 *
 * A location may not leave the model's folder, by `..`, as an absolute path or through a link. One exception: where the model file is
 * itself a link, its data may lie beside the link's target (the layout of download caches).
 * https://onnx.ai/onnx/repo-docs/ExternalData.html
 */
import fs from 'node:fs';
import path from 'node:path';
import {SnugError} from '../error.js';
import type {StringStringEntryProto} from './messages.js';

/** Where the model lies: external data is looked up from here. `file` is absent for a model that was given as bytes. */
export type Origin = {readonly file?: string; readonly directory?: string};

export type Extent = {readonly file: string; readonly offset: number; readonly length: number};

/** Checks the entries of one tensor against the file system. `bytes` is the length that the tensor's dims and type call for. */
export function locate(entries: readonly StringStringEntryProto[], bytes: number, origin: Origin, subject: string): Extent {
	const values = new Map(entries.map(({key, value}) => [key, value] as const));
	const location = values.get('location');
	if (!location) {
		throw new SnugError('external-data', {
			subject,
			problem: 'external data without a location',
			expected: 'an external_data entry "location"',
			found: `entries ${[...values.keys()].join(', ') || 'none'}`,
		});
	}

	const file = resolve(location, origin, subject);
	const offset = integer(values.get('offset') ?? '0', 'offset', subject);
	const length = integer(values.get('length') ?? String(bytes), 'length', subject);
	if (length !== bytes) {
		throw new SnugError('tensor-length', {
			subject,
			problem: `the external data in ${location} does not match dims and type`,
			expected: `${bytes} bytes`,
			found: `${length} bytes`,
		});
	}

	const {size} = fs.statSync(file);
	if (offset + length > size) {
		throw new SnugError('external-data-short', {
			subject,
			problem: `the file ${location} is too short`,
			expected: `at least ${offset + length} bytes`,
			found: `${size} bytes`,
			hint: 'the download may be incomplete; fetch the file again',
		});
	}

	return {file, offset, length};
}

function resolve(location: string, {file: modelFile, directory}: Origin, subject: string): string {
	if (directory === undefined) {
		throw new SnugError('external-data', {
			subject,
			problem: `its data is in ${location}, but the model was given as bytes`,
			hint: 'give the model as a path, or name the directory of its data',
		});
	}

	const outside = (found: string): never => {
		throw new SnugError('external-data-outside', {
			subject,
			problem: "the location of external data leaves the model's folder",
			expected: `a relative path inside ${directory}`,
			found,
			hint: 'move the file beside the model',
		});
	};

	if (location.includes('\0') || path.posix.isAbsolute(location) || path.win32.isAbsolute(location) || /^[A-Za-z]:/.test(location)) {
		outside(JSON.stringify(location));
	}

	if (location.split(/[/\\]/).includes('..')) {
		outside(JSON.stringify(location));
	}

	const file = path.resolve(directory, location);
	if (!fs.existsSync(file)) {
		throw new SnugError('external-data-missing', {
			subject,
			problem: 'the file with its data is missing',
			expected: file,
			found: 'no such file',
			hint: `put ${location} beside the model`,
		});
	}

	const real = fs.realpathSync(file);
	const folders = [fs.realpathSync(directory), ...(modelFile === undefined ? [] : [path.dirname(fs.realpathSync(modelFile))])];
	if (!folders.some(folder => real.startsWith(folder.endsWith(path.sep) ? folder : folder + path.sep))) {
		outside(`${JSON.stringify(location)}, a link to ${real}`);
	}

	if (!fs.statSync(real).isFile()) {
		throw new SnugError('external-data-missing', {subject, problem: 'the location of its data is not a file', expected: 'a regular file', found: file});
	}

	return real;
}

function integer(text: string, key: string, subject: string): number {
	const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
	if (!Number.isSafeInteger(value)) {
		throw new SnugError('external-data', {
			subject,
			problem: `the ${key} of external data is no valid number`,
			expected: 'a decimal integer of at least 0',
			found: JSON.stringify(text),
		});
	}

	return value;
}

/** Largest single read; some systems refuse 2 GiB and more. */
const READ_BYTES = 2 ** 30;

/** The bytes of an extent, in a buffer of their own. */
export function readExtent({file, offset, length}: Extent, subject: string): Uint8Array {
	const bytes = new Uint8Array(length);
	const handle = fs.openSync(file, 'r');
	try {
		for (let done = 0; done < length;) {
			const count = fs.readSync(handle, bytes, done, Math.min(READ_BYTES, length - done), offset + done);
			if (count === 0) {
				throw new SnugError('external-data-short', {
					subject,
					problem: `the file ${file} ended early`,
					expected: `${offset + length} bytes`,
					found: `${offset + done} bytes`,
					hint: 'the file changed while it was in use',
				});
			}

			done += count;
		}
	} finally {
		fs.closeSync(handle);
	}

	return bytes;
}
