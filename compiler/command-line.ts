/**
 * The command line as a function: arguments in, exit status out. 0 is success, 1 an error in the input (one line on stderr),
 * 2 wrong usage, 130 an interruption. `cli.ts` calls it for the process.
 */
import yargs from 'yargs';
import type {Io} from './commands/command.js';
import {commands} from './commands/index.js';
import {version} from './version.js';

export async function runCommandLine(argumentList: readonly string[], io: Io): Promise<number> {
	let chosen: ((io: Io) => Promise<void>) | undefined;
	let problem: string | undefined;
	let printed = '';
	const parser = yargs()
		.scriptName('snug')
		.usage(
			'snug <command>\n\nCompiles ONNX models for the memory that their users have: a WebAssembly program\nand compressed weights, as a folder of static files.',
		)
		.detectLocale(false)
		.parserConfiguration({'parse-numbers': false, 'parse-positional-numbers': false, 'dot-notation': false, 'boolean-negation': false, 'greedy-arrays': false})
		.updateStrings({string: 'value', array: 'repeatable'})
		.strict()
		.exitProcess(false)
		.showHelpOnFail(false)
		.wrap(100)
		.help()
		.alias('help', 'h')
		.version(version)
		.demandCommand(1, 'a command is needed')
		.example('snug compile model.onnx --budget 60MB -o out', 'Compile for a budget')
		.example('snug run out -p "Once upon a time"', 'Try the result')
		.epilogue("'snug <command> --help' explains a command, with examples. Sizes take MB, MiB, GB, or bytes.")
		.fail((message: string | null, error: Error | undefined) => {
			problem ??= rephrase(message ?? error?.message ?? 'wrong usage', argumentList);
		});
	for (const command of commands) {
		command.register(parser, run => {
			chosen = run;
		});
	}

	await parser.parseAsync([...argumentList], {}, (_error: unknown, _argv: unknown, output: string) => {
		printed = output;
	});
	if (problem !== undefined) {
		const command = commands.find(({name}) => name === argumentList[0]);
		const help = command ? `snug ${command.name} --help` : 'snug --help';
		io.stderr.write(`snug: ${oneLine(problem)}; '${help}' explains the usage\n`);
		return 2;
	}

	if (!chosen) {
		io.stdout.write(`${printed}\n`);
		return 0;
	}

	try {
		await chosen(io);
		return 0;
	} catch (error) {
		return report(error, io);
	}
}

/** Two of the parser's messages, in the words of a command line. */
const rephrase = (problem: string, [first]: readonly string[]): string =>
	problem === `Unknown argument: ${first}` && !first?.startsWith('-')
		? `Unknown command: ${first}`
		: problem.replace(/^Not enough non-option arguments.*/, 'an argument is missing');

function report(error: unknown, {stderr, signal}: Io): number {
	if (signal.aborted) {
		stderr.write('snug: interrupted\n');
		return 130;
	}

	// An error of the input names what is wrong with it; anything else is a fault of the program, and its stack helps to mend it.
	if (error instanceof Error && (error.name === 'SnugError' || isSystemError(error))) {
		stderr.write(`snug: ${oneLine(error.message)}\n`);
	} else {
		stderr.write(`snug: internal error: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
	}

	return 1;
}

const isSystemError = (error: Error): boolean => 'syscall' in error && 'errno' in error;

const oneLine = (text: string): string => text.trim().replaceAll(/\s*\n\s*/g, ' ');
