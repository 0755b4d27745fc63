/** What compiling a real model costs, measured by the command itself in a process of its own. */
import path from 'node:path';
import process from 'node:process';
import test from 'ava';
import {execute, repository} from '../helpers/package.js';
import {temporaryFolder} from '../helpers/temporary.js';
import {findModel, missing} from '../helpers/models.js';

const MOST_SECONDS = 60;
const MOST_MEMORY = 2.5e9;

type Cost = {readonly seconds: number; readonly peakMemory: number; readonly bytes: {readonly total: number}};

for (const options of [
	['--bits', '4'],
	['--budget', '120MB', '--calibration', 'none'],
]) {
	test.serial(`SmolLM2 compiles with ${options.join(' ')} in a minute and 2.5 GB`, async t => {
		const model = findModel('smollm2-135m');
		if (model === undefined) {
			t.log(`skipped: ${missing('smollm2-135m')}`);
			t.pass();
			return;
		}

		const output = path.join(temporaryFolder(t), 'bundle');
		const printed = await execute(
			process.execPath,
			['--import=tsx', path.join(repository, 'compiler/cli.ts'), 'compile', model, ...options, '-o', output, '--json'],
			repository,
		);
		const {seconds, peakMemory, bytes} = JSON.parse(printed) as Cost;
		t.log(`${seconds.toFixed(1)} s, ${(peakMemory / 1e6).toFixed(0)} MB, bundle of ${bytes.total} bytes`);
		t.true(seconds <= MOST_SECONDS, `${seconds} s`);
		t.true(peakMemory <= MOST_MEMORY, `${peakMemory} bytes`);
	});
}
