/** Runs the command line in this process, with what it prints in strings. */
import {runCommandLine} from '../../compiler/command-line.js';

export type Ran = {readonly status: number; readonly stdout: string; readonly stderr: string};

export async function snug(argumentList: readonly string[], {isTTY = false, signal = new AbortController().signal} = {}): Promise<Ran> {
	let stdout = '';
	let stderr = '';
	const status = await runCommandLine(argumentList, {
		stdout: {
			write(text) {
				stdout += text;
			},
			isTTY,
		},
		stderr: {
			write(text) {
				stderr += text;
			},
			isTTY,
		},
		signal,
	});
	return {status, stdout, stderr};
}
