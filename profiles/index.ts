/**
 * The profiles that come with Snug, one JSON file each, and reading of a user's own file.
 */
import {readFileSync} from 'node:fs';
import path from 'node:path';
import {SnugError} from '../compiler/error.js';
import {readProfile, type Profile} from './profile.js';

export {decideBudget, type Budget} from './budget.js';
export type {Profile, Storage, WebGpuLimits} from './profile.js';

/** Phones first, smallest first. */
export const profileNames = [
	'android-2gb',
	'android-webview',
	'android-4gb',
	'android-8gb',
	'iphone-4gb',
	'iphone-safari',
	'chromebook',
	'desktop-chrome',
	'desktop-firefox',
	'desktop-safari',
	'node',
] as const;

export const profiles = (): Profile[] => profileNames.map(name => readFile(new URL(`${name}.json`, import.meta.url), `profile '${name}'`));

/** @param name A name of the list, or the path of a JSON file. */
export function findProfile(name: string): Profile {
	const known = profileNames.find(item => item === name);
	if (known) {
		return readFile(new URL(`${known}.json`, import.meta.url), `profile '${known}'`);
	}

	if (name.endsWith('.json')) {
		return readFile(path.resolve(name), `profile ${name}`);
	}

	throw new SnugError('unknown-profile', {
		subject: `profile '${name}'`,
		problem: 'is not known',
		expected: `one of ${profileNames.join(', ')}, or the path of a .json file`,
		hint: "'snug profiles' lists them with their figures",
	});
}

function readFile(file: string | URL, subject: string): Profile {
	let text;
	try {
		text = readFileSync(file, 'utf8');
	} catch (error) {
		throw new SnugError('unreadable-profile', {subject, problem: 'cannot be read', found: (error as Error).message}, {cause: error});
	}

	let json: unknown;
	try {
		json = JSON.parse(text);
	} catch (error) {
		throw new SnugError('invalid-profile', {subject, problem: 'is no JSON', found: (error as Error).message}, {cause: error});
	}

	return readProfile(json, subject);
}
