/** Runs the linter and the type checker side by side; fails when one of them does. */
import {spawn} from 'node:child_process';
import {once} from 'node:events';
import process from 'node:process';

const statuses = await Promise.all(
	['lint', 'check'].map(async script => {
		const [status] = await once(spawn('npm', ['run', script], {stdio: 'inherit', shell: true}), 'exit');
		return status ?? 1;
	}),
);
process.exitCode = Math.max(...statuses);
