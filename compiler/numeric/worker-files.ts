import {existsSync} from 'node:fs';
import {fileURLToPath} from 'node:url';
import {SnugError} from '../error.js';

/** A file of `dist/workers`, from the sources as from the built package. */
export function workerFile(name: string): string {
	const built = fileURLToPath(new URL(`../../workers/${name}`, import.meta.url));
	const file = existsSync(built) ? built : fileURLToPath(new URL(`../../dist/workers/${name}`, import.meta.url));
	if (!existsSync(file)) {
		throw new SnugError('missing-workers', {subject: file, problem: 'the threads of the compiler are not built', hint: 'run npm run build'});
	}

	return file;
}
