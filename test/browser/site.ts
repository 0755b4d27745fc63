/** A bundle as a site: its folder, a blank page whose script is `page.ts`, and a server. */
import {readFileSync, writeFileSync} from 'node:fs';
import path from 'node:path';
import {transformSync} from 'esbuild';
import {serveFolder, type Server} from '../helpers/server.js';

/** With these, and only with these, a page may share memory between threads. */
export const isolation = {'cross-origin-opener-policy': 'same-origin', 'cross-origin-embedder-policy': 'require-corp'};

const html = '<!doctype html><meta charset="utf-8"><title>Snug</title><link rel="icon" href="data:,"><script type="module" src="page.js"></script>';

/** The folder is a temporary one: the page is written into it. Answers at `page.html`. */
export async function serveBundle(folder: string, headers: Readonly<Record<string, string>> = {}): Promise<Server> {
	const source = readFileSync(new URL('page.ts', import.meta.url), 'utf8');
	writeFileSync(path.join(folder, 'page.js'), transformSync(source, {loader: 'ts', target: 'es2022'}).code);
	writeFileSync(path.join(folder, 'page.html'), html);
	return serveFolder(folder, headers);
}

export const pageOf = ({url}: Server): string => new URL('page.html', url).href;
