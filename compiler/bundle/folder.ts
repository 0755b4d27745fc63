/** A folder that appears whole or not at all: written beside its place under another name, then renamed. */
import {existsSync, mkdtempSync, mkdirSync, readdirSync, renameSync, rmSync, statSync} from 'node:fs';
import path from 'node:path';
import {SnugError} from '../error.js';

export async function writeFolder<T>(output: string, write: (directory: string) => Promise<T>): Promise<T> {
	const target = path.resolve(output);
	refuseStranger(target);
	let temporary: string;
	try {
		mkdirSync(path.dirname(target), {recursive: true});
		temporary = mkdtempSync(path.join(path.dirname(target), `.${path.basename(target)}.`));
	} catch (error) {
		throw unwritable(output, error);
	}

	try {
		const result = await write(temporary);
		if (existsSync(target)) {
			const old = `${temporary}.old`;
			renameSync(target, old);
			try {
				renameSync(temporary, target);
			} catch (error) {
				renameSync(old, target);
				throw error;
			}

			rmSync(old, {recursive: true, force: true});
		} else {
			renameSync(temporary, target);
		}

		return result;
	} catch (error) {
		rmSync(temporary, {recursive: true, force: true});
		throw isSystemError(error) ? unwritable(output, error) : error;
	}
}

/** Only a bundle, or an empty folder, is replaced. */
function refuseStranger(target: string): void {
	const found = statSync(target, {throwIfNoEntry: false});
	if (found && (!found.isDirectory() || (readdirSync(target).length > 0 && !existsSync(path.join(target, 'manifest.json'))))) {
		throw new SnugError('output-exists', {
			subject: `output '${target}'`,
			problem: 'something else is there already',
			expected: 'a new folder, an empty one, or an earlier bundle',
			found: found.isDirectory() ? 'a folder with other files' : 'a file',
			hint: 'choose another folder with -o',
		});
	}
}

const isSystemError = (error: unknown): error is NodeJS.ErrnoException =>
	error instanceof Error &&
	typeof (error as NodeJS.ErrnoException).syscall === 'string' &&
	/^(ENOSPC|EACCES|EPERM|EROFS|EDQUOT|EIO|EMFILE|ENOTDIR|ENOENT|EEXIST)$/.test((error as NodeJS.ErrnoException).code ?? '');

function unwritable(output: string, error: unknown): SnugError {
	const reason = error as NodeJS.ErrnoException;
	return new SnugError(
		'unwritable-output',
		{
			subject: `output '${output}'`,
			problem: 'the bundle cannot be written',
			found: reason.message,
			hint: reason.code === 'ENOSPC' ? 'free some disk space' : 'choose a folder that you may write with -o',
		},
		{cause: error},
	);
}
