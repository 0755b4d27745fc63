/** From the path of a request to a file inside a folder: nothing outside is reached, by dots, separators or links. */
import {realpathSync, statSync} from 'node:fs';
import path from 'node:path';

export type ServedFile = {readonly path: string; readonly bytes: number; readonly modified: number};

/** @param name Decoded, relative, with slashes. Undefined when there is no such file inside. */
export function findInside(folder: string, name: string): ServedFile | undefined {
	if (/[\\\0:]/.test(name) || name.split('/').some(part => part === '' || part === '.' || part === '..')) {
		return undefined;
	}

	try {
		const root = realpathSync(folder);
		const file = realpathSync(path.join(root, name));
		const found = statSync(file);
		return file.startsWith(root.endsWith(path.sep) ? root : root + path.sep) && found.isFile()
			? {path: file, bytes: found.size, modified: found.mtimeMs}
			: undefined;
	} catch {
		return undefined;
	}
}
