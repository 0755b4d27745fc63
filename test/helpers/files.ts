/** The files of a folder and all below it. */
import {createHash} from 'node:crypto';
import {readdirSync, readFileSync} from 'node:fs';
import path from 'node:path';

/** The hash of what is there, by path. */
export const filesOf = (folder: string): Record<string, string> =>
	Object.fromEntries(
		readdirSync(folder, {recursive: true, withFileTypes: true})
			.filter(entry => entry.isFile())
			.map(({parentPath, name}) => path.join(parentPath, name))
			.map(file => [path.relative(folder, file), createHash('sha256').update(readFileSync(file)).digest('hex')]),
	);
