/**
 * Builds after an installation. npx, in a clone, links the clone into its cache and prepares it once more; what is built then is left as
 * it is, for building again would take ten seconds and remove files that others may be running.
 */
import {spawnSync} from 'node:child_process';
import {existsSync} from 'node:fs';
import process from 'node:process';
import {URL} from 'node:url';

if (process.env['npm_command'] !== 'exec' || !existsSync(new URL('../dist/compiler/cli.js', import.meta.url))) {
	process.exitCode = spawnSync('npm', ['run', 'build'], {stdio: 'inherit', shell: true}).status ?? 1;
}
