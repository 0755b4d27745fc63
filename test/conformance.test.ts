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
	const prepared = all.filter((found): found is PreparedCase => !('error' in found));
	const refused = all.filter((found): found is RefusedCase => 'error' in found);
	const {run} = await buildCases(prepared);
	const passing = readPassing();
	const judged = new Map(prepared.map(one => [one, remember(() => differences(one, run))] as const));

	for (const [{name}, judge] of judged) {
		test(`${name}: the reference and the program agree with the suite`, t => {
			t.deepEqual(judge(), []);
		});
	}

	for (const {name, error} of refused) {
		if (passing.has(name) || !(error instanceof SnugError)) {
			test(`${name}: becomes a program`, () => {
				throw error;
			});
		}
	}

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
		const table = tableOfSkipped(refused);
		if (process.env['UPDATE_PASSING'] === '1') {
			writeSkipped(table);
		}

		t.is(table, readSkipped(), 'run with UPDATE_PASSING=1 to write it anew');
	});
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
function passes(judge: () => readonly string[]): boolean {
	try {
		return judge().length === 0;
	} catch {
		return false;
	}
}
