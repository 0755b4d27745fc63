/** A folder that appears whole or not at all: written beside its place under another name, then renamed. */
import {existsSync, mkdtempSync, mkdirSync, readdirSync, renameSync, rmdirSync, rmSync, statSync, type Stats} from 'node:fs';
import path from 'node:path';
import {SnugError} from '../error.js';

export async function writeFolder<T>(output: string, write: (directory: string) => Promise<T>): Promise<T> {
	const target = path.resolve(output);
	refuseStranger(output);
	let temporary: string;
	let parents: string | undefined;
	try {
		parents = mkdirSync(path.dirname(target), {recursive: true});
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
		removeEmpty(path.dirname(target), parents);
		throw isSystemError(error) ? unwritable(output, error) : error;
	}
}

/** Removes folders from the innermost up to `outermost`, those that were made for the output, as far as they are empty. */
function removeEmpty(innermost: string, outermost: string | undefined): void {
	for (let folder = innermost; outermost !== undefined && folder.startsWith(outermost) && readdirSync(folder).length === 0; folder = path.dirname(folder)) {
		rmdirSync(folder);
	}
}

/** Only a bundle, or an empty folder, is replaced. Asked before the work, so that a wrong name is known at once. */
export function refuseStranger(output: string): void {
	const target = path.resolve(output);
	let found: Stats | undefined;
	try {
		found = statSync(target, {throwIfNoEntry: false});
	} catch (error) {
		throw unwritable(output, error);
	}

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
