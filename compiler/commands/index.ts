/** The table of commands, in the order in which help lists them. */
import {benchCommand} from './bench.js';
import type {CommandEntry} from './command.js';
import {compileCommand} from './compile.js';
import {evalCommand} from './eval.js';
import {inspectCommand} from './inspect.js';
import {profilesCommand} from './profiles.js';
import {runCommand} from './run.js';
import {serveCommand} from './serve.js';
import {workerCommand} from './worker.js';

export const commands: readonly CommandEntry[] = [
	compileCommand,
	runCommand,
	serveCommand,
	evalCommand,
	benchCommand,
	inspectCommand,
	profilesCommand,
	workerCommand,
];
