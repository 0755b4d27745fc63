/** Reads a bundle's manifest from a folder, for commands that look into a bundle; the loader has its own, stricter reader. */
import {readFileSync} from 'node:fs';
import path from 'node:path';
import {SnugError} from '../error.js';
import {FORMAT, OLDEST_FORMAT, type Manifest} from './format.js';

export function readManifest(directory: string): Manifest {
	const file = path.join(directory, 'manifest.json');
	let text;
	try {
		text = readFileSync(file, 'utf8');
	} catch (error) {
		throw new SnugError(
			'no-bundle',
			{
				subject: `bundle ${directory}`,
				problem: 'has no manifest.json that can be read',
				found: (error as Error).message,
				hint: "'snug compile MODEL -o DIR' writes a bundle",
			},
			{cause: error},
		);
	}

	let manifest: unknown;
	try {
		manifest = JSON.parse(text);
	} catch (error) {
		throw new SnugError(
			'invalid-manifest',
			{subject: file, problem: 'is no JSON', found: (error as Error).message, hint: 'compile the model again'},
			{cause: error},
		);
	}

	const format = typeof manifest === 'object' && manifest !== null && 'format' in manifest ? manifest.format : undefined;
	if (typeof format !== 'number' || format < OLDEST_FORMAT || format > FORMAT) {
		throw new SnugError('unknown-format', {
			subject: file,
			problem: 'has a format that this version does not read',
			expected: [...new Set([OLDEST_FORMAT, FORMAT])].join(' to '),
			found: format === undefined ? 'none' : JSON.stringify(format),
			hint: 'use a newer version of snug, or compile the model again',
		});
	}

	return manifest as Manifest;
}
