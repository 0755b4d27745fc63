/** Declares a test for each code: perplexity on the encoded kernels against the same weights, decoded, on the f32 kernels. */
import path from 'node:path';
import test from 'ava';
import {evaluate, paths, type EvaluateResult} from '../../compiler/evaluate-bundle.js';
import {writeCodedBundle, type Code} from './coded-bundle.js';
import {temporaryFolder} from './temporary.js';
import {findModel, findText, missing} from './models.js';

const TEXT = 'books-valid.txt';
const TOLERANCE = 0.005;

export function testWidths(codes: readonly Code[], {windows}: {readonly windows: number}): void {
	for (const {codec, bits, group} of codes) {
		test.serial(`${codec} of ${bits} bits in groups of ${group} predict what their decoded weights do`, async t => {
			const text = findText(TEXT);
			if (text === undefined) {
				t.log(`skipped: ${missing(TEXT)}`);
				t.pass();
				return;
			}

			const bundle = path.join(temporaryFolder(t), 'bundle');
			await writeCodedBundle(findModel('books-3m')!, bundle, {codec, bits, group});
			const results = new Map<string, EvaluateResult>();
			for (const kind of paths) {
				results.set(kind, await evaluate(bundle, {text, context: 128, windows, path: kind}));
			}

			const {perplexity, tokens} = results.get('reference')!;
			t.is(tokens, windows * 127);
			for (const kind of ['decode', 'prefill']) {
				const ratio = results.get(kind)!.perplexity / perplexity;
				t.log(`${kind} ${((ratio - 1) * 100).toFixed(3)} % from ${perplexity.toFixed(3)}`);
				t.true(Math.abs(ratio - 1) <= TOLERANCE, `${kind}: ${ratio}`);
			}
		});
	}
}

export const allCodes = (group: number): Code[] => [
	...[2, 3].map(bits => ({codec: 'planes', bits, group}) as const),
	...[4, 5, 6, 7, 8].map(bits => ({codec: 'scalar', bits, group}) as const),
];
