/**
 * The one error that bad input raises anywhere in Snug.
 *
 * A message has five parts, each a short phrase: what it is about, what is wrong, what was expected, what was found, and the way
 * out. The command line prints them on one line; programs read the fields.
 */
export type ErrorDetail = {
	/** The thing: a node ("Softmax '/attn/Softmax'"), a file, an option. */
	readonly subject: string;
	/** What is wrong, without a final full stop. */
	readonly problem: string;
	readonly expected?: string;
	readonly found?: string;
	/** What the reader can do about it. */
	readonly hint?: string;
};

export class SnugError extends Error {
	override readonly name = 'SnugError';
	readonly code: string;
	readonly detail: ErrorDetail;

	/** @param code A stable identifier in kebab case, such as `unknown-op`. */
	constructor(code: string, detail: ErrorDetail, options?: ErrorOptions) {
		super(describe(detail), options);
		this.code = code;
		this.detail = detail;
	}
}

function describe({subject, problem, expected, found, hint}: ErrorDetail): string {
	const sides = [expected === undefined ? '' : `expected ${expected}`, found === undefined ? '' : `found ${found}`].filter(Boolean).join(', ');
	return `${subject}: ${problem}${sides ? `: ${sides}` : ''}${hint ? `; ${hint}` : ''}`;
}
