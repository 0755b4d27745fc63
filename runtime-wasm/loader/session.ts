/** A loaded model in the worker: memory, program, and what the state holds. Calls the program's entries. */
import {SnugError} from '../../compiler/error.js';
import type {Bundle} from './manifest.js';
import type {Bindings} from './shape.js';
import type {Team} from './team.js';
import type {Info} from './types.js';

export type Session = {
	readonly bundle: Bundle;
	readonly memory: WebAssembly.Memory;
	readonly info: Info;
	/** Calls an entry with the values of its symbols. */
	call(entry: string, symbols: Bindings): void;
	/** Positions of the state that are in use. */
	past: number;
	/** The tokens at those positions; undefined where they came with other inputs than the loader makes. */
	tokens: readonly number[] | undefined;
};

export function forget(session: Session): void {
	session.past = 0;
	session.tokens = [];
}

export function caller(bundle: Bundle, exports: WebAssembly.Exports, team: Team): Session['call'] {
	const functions = new Map(Object.keys(bundle.entries).map(name => [name, exports[name]]));
	for (const [name, entry] of functions) {
		if (typeof entry !== 'function') {
			throw new SnugError('bad-program', {
				subject: 'program',
				problem: `exports no function '${name}'`,
				found: Object.keys(exports).join(', '),
				hint: 'compile the model again',
			});
		}
	}

	return (name, symbols) => {
		const parameters = bundle.entries[name]!.symbols.map(symbol => symbols[symbol] ?? unbound(name, symbol));
		try {
			team.run(name, parameters, (thread, threads) => {
				(functions.get(name) as (...values: number[]) => void)(...parameters, thread, threads);
			});
		} catch (error) {
			throw new SnugError(
				'trap',
				{
					subject: `entry '${name}'`,
					problem: `the program stopped (${error instanceof Error ? error.message : String(error)})`,
					found: bundle.entries[name]!.symbols.map((symbol, index) => `${symbol} = ${parameters[index]}`).join(', ') || 'no symbols',
					hint: 'an index among the inputs may be out of range; the model stays usable',
				},
				{cause: error},
			);
		}
	};
}

function unbound(entry: string, symbol: string): never {
	throw new SnugError('unbound-symbol', {subject: `entry '${entry}'`, problem: `the inputs do not say what ${symbol} is`});
}

/** Lets messages in, such as an abort, and then throws when one came. */
export async function breathe(signal: AbortSignal): Promise<void> {
	await nextTask();
	signal.throwIfAborted();
}

/** A task of its own: timers are clamped to 4 ms in browsers, and microtasks let no message in. */
const nextTask = async (): Promise<void> =>
	new Promise(resolve => {
		if (typeof setImmediate === 'function') {
			setImmediate(resolve);
			return;
		}

		const {port1, port2} = new MessageChannel();
		port1.onmessage = () => {
			port1.close();
			resolve();
		};

		port2.postMessage(null);
	});
