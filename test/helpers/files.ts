/** The files of a folder and all below it. */
import {createHash} from 'node:crypto';
import {readdirSync, readFileSync} from 'node:fs';
import path from 'node:path';

/** Paths and the hashes of what is there, in order. */
export const filesOf = (folder: string): Array<readonly [string, string]> =>
	readdirSync(folder, {recursive: true, withFileTypes: true})
		.filter(entry => entry.isFile())
		.map(({parentPath, name}) => path.join(parentPath, name))
		.sort()
		.map(file => [path.relative(folder, file), createHash('sha256').update(readFileSync(file)).digest('hex')] as const);
