/** A folder for one test's files, removed when the test ends. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type {ExecutionContext} from 'ava';

export function temporaryFolder(t: ExecutionContext): string {
	const folder = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'snug-test-')));
	t.teardown(() => fs.rmSync(folder, {recursive: true, force: true}));
	return folder;
}
