/**
 * What a command of the command line is: its usage, its options and what it runs. The table is `index.ts`.
 */
import type {ArgumentsCamelCase, Argv} from 'yargs';

export type Output = {
	write(text: string): unknown;
	readonly isTTY?: boolean;
	readonly columns?: number;
};

/** What a command may touch of the process. */
export type Io = {
	readonly stdout: Output;
	readonly stderr: Output;
	/** Aborted when the user interrupts. */
	readonly signal: AbortSignal;
};

type Command<Options> = {
	/** As yargs reads it: 'compile <model>'. */
	readonly usage: string;
	readonly summary: string;
	readonly examples: ReadonlyArray<readonly [command: string, explanation: string]>;
	options(parser: Argv): Argv<Options>;
	/** Parses nothing, computes nothing: calls and prints. */
	run(options: ArgumentsCamelCase<Options>, io: Io): Promise<void>;
};

/** A command whose options' type is closed over, so that commands fit one table. */
export type CommandEntry = {
	readonly name: string;
	/** Adds the command to the parser; `choose` receives what to run when the user names it. */
	register(parser: Argv, choose: (run: (io: Io) => Promise<void>) => void): Argv;
};

export const defineCommand = <Options>({usage, summary, examples, options, run}: Command<Options>): CommandEntry => ({
	name: usage.split(' ')[0]!,
	register: (parser, choose) =>
		parser.command(
			usage,
			summary,
			builder =>
				options(examples.reduce((built, [command, explanation]) => built.example(command, explanation), builder.usage(`snug ${usage}\n\n${summary}.`))),
			parsed => {
				choose(async io => run(parsed, io));
			},
		),
});

export const printJson = ({stdout}: Io, value: unknown): void => {
	stdout.write(`${JSON.stringify(value, undefined, '\t')}\n`);
};
