/** Finds a Chromium: what the user names, else CHROME_PATH, else one of its usual names on the PATH or places. */
import {accessSync, constants, statSync} from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import {SnugError} from '../error.js';

const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome', 'microsoft-edge'];

const places: Readonly<Partial<Record<NodeJS.Platform, readonly string[]>>> = {
	darwin: ['/Applications/Google Chrome.app/Contents/MacOS/Google Chrome', '/Applications/Chromium.app/Contents/MacOS/Chromium'],
	win32: ['C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe', 'C:\\Program Files (x86)\\Google\\Chrome\\Application\\chrome.exe'],
};

export function findBrowser(named?: string, environment: NodeJS.ProcessEnv = process.env): string {
	const asked = named ?? environment['CHROME_PATH'];
	if (asked !== undefined && asked !== '') {
		if (isExecutable(asked)) {
			return asked;
		}

		throw new SnugError('no-browser', {
			subject: named === undefined ? 'CHROME_PATH' : '--browser',
			problem: 'is no program that can be run',
			expected: "Chromium's executable file",
			found: asked,
		});
	}

	const folders = (environment['PATH'] ?? '').split(path.delimiter).filter(folder => folder !== '');
	const candidates = [...folders.flatMap(folder => names.map(name => path.join(folder, name))), ...(places[process.platform] ?? [])];
	const found = candidates.find(isExecutable);
	if (found === undefined) {
		throw new SnugError('no-browser', {
			subject: 'engine chromium',
			problem: 'no Chromium was found',
			expected: `one of ${names.join(', ')} on the PATH`,
			hint: 'name it with --browser FILE or CHROME_PATH, or use --engine node',
		});
	}

	return found;
}

function isExecutable(file: string): boolean {
	try {
		accessSync(file, constants.X_OK);
		return statSync(file).isFile();
	} catch {
		return false;
	}
}
