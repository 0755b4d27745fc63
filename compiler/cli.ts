#!/usr/bin/env node
/** The `snug` command: connects `runCommandLine` to the process. */
import process from 'node:process';
import {runCommandLine} from './command-line.js';

const controller = new AbortController();
process.once('SIGINT', () => {
	controller.abort();
});
// A reader such as `head` may close the pipe early.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
	if (error.code === 'EPIPE') {
		process.exit(0);
	}

	throw error;
});

process.exitCode = await runCommandLine(process.argv.slice(2), {stdout: process.stdout, stderr: process.stderr, signal: controller.signal});
