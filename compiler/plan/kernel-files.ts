import {existsSync} from 'node:fs';
import {fileURLToPath} from 'node:url';

/** A file of `dist/kernels`, from the sources as from the built package. */
export function kernelFile(name: string): string {
	const built = fileURLToPath(new URL(`../../kernels/${name}`, import.meta.url));
	return existsSync(built) ? built : fileURLToPath(new URL(`../../dist/kernels/${name}`, import.meta.url));
}
