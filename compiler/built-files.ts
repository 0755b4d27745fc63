/** Files of `dist` that builds of their own make, from the sources as from the built package. */
import {existsSync} from 'node:fs';
import {fileURLToPath} from 'node:url';
import {SnugError} from './error.js';

const folders = {kernels: 'the kernels are', loader: 'the loader is', workers: 'the threads of the compiler are'} as const;

const find =
	(folder: keyof typeof folders) =>
	(name: string): string => {
		// Beside the compiled sources' folder, or in `dist` beside the sources' own.
		const places = [`../${folder}/${name}`, `../dist/${folder}/${name}`].map(place => fileURLToPath(new URL(place, import.meta.url)));
		const found = places.find(place => existsSync(place));
		if (found === undefined) {
			throw new SnugError(`missing-${folder}`, {subject: places[1]!, problem: `${folders[folder]} not built`, hint: 'run npm run build'});
		}

		return found;
	};

export const kernelFile = find('kernels');
export const loaderFile = find('loader');
export const workerFile = find('workers');
