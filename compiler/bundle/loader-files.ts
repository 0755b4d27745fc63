import {existsSync} from 'node:fs';
import {fileURLToPath} from 'node:url';
import {SnugError} from '../error.js';

/** A file of `dist/loader`, from the sources as from the built package. */
export function loaderFile(name: string): string {
	const built = fileURLToPath(new URL(`../../loader/${name}`, import.meta.url));
	const file = existsSync(built) ? built : fileURLToPath(new URL(`../../dist/loader/${name}`, import.meta.url));
	if (!existsSync(file)) {
		throw new SnugError('missing-loader', {subject: file, problem: 'the loader is not built', hint: 'run npm run build'});
	}

	return file;
}
