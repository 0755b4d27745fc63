/**
 * The ONNX backend suite's node cases through the whole pipeline: import, passes, lowering, plan, its check, WebAssembly. All cases are
 * entries of one program, since making a program costs much more than a case does.
 *
 * `conformance-passing.txt` lists what passes and may only grow; `UPDATE_PASSING=1` adds what passes newly and writes the table of what
 * is skipped.
 */
import test from 'ava';
import {SnugError} from '../compiler/error.js';
import {runReference} from '../compiler/reference/run.js';
import {difference} from './helpers/compare.js';
import {prepareCase, type PreparedCase, type RefusedCase} from './helpers/conformance-case.js';
import {passingOf, readPassing, readSkipped, tableOfSkipped, writePassing, writeSkipped} from './helpers/conformance-lists.js';
import {buildCases, type CaseProgram} from './helpers/conformance-program.js';
import {available, caseNames} from './helpers/node-cases.js';

/** One unit of bfloat16: the suite of ONNX 1.12 truncates where the specification rounds to the nearest. */
const truncated = 2 ** -7;
const rtol: Readonly<Record<string, number>> = {
	test_cast_FLOAT_to_BFLOAT16: truncated,
	test_castlike_FLOAT_to_BFLOAT16: truncated,
	test_castlike_FLOAT_to_BFLOAT16_expanded: truncated,
};

if (available) {
	await testCases();
} else {
	test('the backend suite is not installed', t => {
		t.pass('libonnx-testdata is not there: its cases are skipped');
	});
}

async function testCases(): Promise<void> {
	const all = caseNames.map(name => prepareCase(name));
	const prepared = all.filter(isPrepared);
	const refused = all.filter(isRefused);
	const judged = await judge(prepared);
	// As in a model, where all but the activations are weights; and with nothing left to run, so that everything folds.
	const known = again(prepared, ({constants, feeds}) => [...new Set([...constants, ...[...feeds.keys()].slice(1)])]);
	const allKnown = again(prepared, ({feeds}) => [...feeds.keys()]);
	const weighted = await judge(known.filter(isPrepared));
	const folded = await judge(allKnown.filter(isPrepared));

	// ava starts soon after the first declaration: everything that takes time comes before.
	declare('the reference and the program agree with the suite', judged);
	declare('the same with all inputs but the first known', weighted);
	declare('the same with all inputs known', folded);

	const passing = readPassing();
	declareFailures(
		'becomes a program',
		refused.filter(({name, error}) => passing.has(name) || !(error instanceof SnugError)),
	);
	declareFailures('becomes a program with all inputs but the first known', known.filter(isRefused));
	declareFailures('becomes a program with all inputs known', allKnown.filter(isRefused));

	test('the list of passing cases is complete and only grows', t => {
		const now = passingOf(prepared.filter(one => passes(judged.get(one)!)));
		t.deepEqual(
			[...passing.keys()].filter(name => !now.has(name)),
			[],
			'cases that passed do not any more, or are gone from the suite',
		);
		if (process.env['UPDATE_PASSING'] === '1') {
			writePassing(now);
		}

		t.deepEqual(readPassing(), now, 'run with UPDATE_PASSING=1 to list what passes newly and which inputs have to be known');
		t.true(now.size >= 250);
	});

	test('the table of skipped cases is current', t => {
		const table = tableOfSkipped(refused.filter(({error}) => error instanceof SnugError));
		if (process.env['UPDATE_PASSING'] === '1') {
			writeSkipped(table);
		}

		t.is(table, readSkipped(), 'run with UPDATE_PASSING=1 to write it anew');
	});
}

function isPrepared(found: PreparedCase | RefusedCase): found is PreparedCase {
	return !('error' in found);
}

function isRefused(found: PreparedCase | RefusedCase): found is RefusedCase {
	return 'error' in found;
}

type Judged = ReadonlyMap<PreparedCase, () => readonly string[]>;

/** What is wrong with each case, found when it is asked for. */
async function judge(cases: readonly PreparedCase[]): Promise<Judged> {
	const {run} = await buildCases(cases);
	return new Map(cases.map(one => [one, remember(() => differences(one, run))] as const));
}

function declare(title: string, judged: Judged): void {
	for (const [{name}, found] of judged) {
		test(`${name}: ${title}`, t => {
			t.deepEqual(found(), []);
		});
	}
}

function declareFailures(title: string, refused: readonly RefusedCase[]): void {
	for (const {name, error} of refused) {
		test(`${name}: ${title}`, () => {
			throw error;
		});
	}
}

/** The cases of which more inputs can be constants; to know more never makes a case impossible. */
function again(cases: readonly PreparedCase[], choose: (one: PreparedCase) => readonly string[]): Array<PreparedCase | RefusedCase> {
	return cases.filter(one => choose(one).length > one.constants.length).map(one => prepareCase(one.name, choose(one)));
}

function differences({name, typed, feeds, expected}: PreparedCase, run: CaseProgram['run']): string[] {
	const tolerance = {rtol: rtol[name] ?? 1e-3};
	const results = {'the reference': runReference(typed.graph, feeds), 'the program': run(name)};
	return Object.entries(results).flatMap(([who, made]) =>
		[...expected].flatMap(([output, tensor]) => {
			const found = difference(made.get(output), tensor, tolerance);
			return found === undefined ? [] : [`${who}, ${output}: ${found}`];
		}),
	);
}

function remember<T>(compute: () => T): () => T {
	let result: {readonly value: T} | undefined;
	return () => (result ??= {value: compute()}).value;
}

/** A trap is a failure of its own test, and no pass. */
function passes(found: () => readonly string[]): boolean {
	try {
		return found().length === 0;
	} catch {
		return false;
	}
}
