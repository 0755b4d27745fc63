/**
 * Puts the `snug` command into the clone's own `node_modules/.bin`. npm does that for dependencies only, and without it the first
 * `npx snug` installs the clone into npm's cache, which builds everything again.
 */
import {chmodSync, mkdirSync, rmSync, symlinkSync, writeFileSync} from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import {fileURLToPath, URL} from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const bin = path.join(root, 'node_modules/.bin');
mkdirSync(bin, {recursive: true});
if (process.platform === 'win32') {
	writeFileSync(path.join(bin, 'snug.cmd'), '@node "%~dp0\\..\\..\\dist\\compiler\\cli.js" %*\r\n');
} else {
	chmodSync(path.join(root, 'dist/compiler/cli.js'), 0o755);
	rmSync(path.join(bin, 'snug'), {force: true});
	symlinkSync('../../dist/compiler/cli.js', path.join(bin, 'snug'));
}
