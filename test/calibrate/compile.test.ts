/** `--calibration` from the command line: the same bytes hold a better model, on text that it was not calibrated on. */
import path from 'node:path';
import {fileURLToPath} from 'node:url';
import test from 'ava';
import {readManifest} from '../../compiler/bundle/read.js';
import {evaluate} from '../../compiler/evaluate-bundle.js';
import {snug} from '../helpers/command-line.js';
import {findModel} from '../helpers/models.js';
import {temporaryFolder} from '../helpers/temporary.js';

const model = findModel('books-3m')!;

/** Pages of The Woman in White by Wilkie Collins, 1859. */
const text = fileURLToPath(new URL('held-out.txt', import.meta.url));

test('a calibrated model is nearer to the original within the same budget, and nearer still after the sequential pass', async t => {
	const folder = temporaryFolder(t);
	const distances: number[] = [];
	for (const [index, options] of [
		['--calibration', 'none'],
		['--calibration', 'sample', '--no-refine'],
		['--calibration', 'sample'],
	].entries()) {
		const bundle = path.join(folder, String(index));
		const {status, stdout, stderr} = await snug(['compile', model, '--budget', '2.2MB', '-o', bundle, '--json', ...options]);
		t.is(stderr, '');
		t.is(status, 0);
		const {bytes} = JSON.parse(stdout) as {bytes: {total: number}};
		t.true(bytes.total <= 2.2e6 && bytes.total > 0.97 * 2.2e6, `${bytes.total}`);
		const {kl} = await evaluate(bundle, {text, context: 128, windows: 12, path: 'reference', against: model});
		distances.push(kl!);
	}

	const [rounded, fed, refined] = distances as [number, number, number];
	t.log(`KL ${distances.map(kl => kl.toFixed(4)).join(', ')}`);
	t.true(fed < 0.85 * rounded, `${fed} of ${rounded}`);
	t.true(refined < 0.95 * fed, `${refined} of ${fed}`);
});

test('the transforms can be named or left out, and others are refused', async t => {
	const folder = temporaryFolder(t);
	const compile = async (...options: readonly string[]) =>
		snug(['compile', model, '--bits', '32', '-o', path.join(folder, options.join('')), '--json', ...options]);
	for (const [options, weights] of [
		[['--transforms', 'none'], 17],
		[['--transforms', 'rotate-stream'], 18],
	] as const) {
		const {status, stderr} = await compile(...options);
		t.is(stderr, '');
		t.is(status, 0);
		t.is(readManifest(path.join(folder, options.join(''))).weights.length, weights);
	}

	const {status, stderr} = await compile('--transforms', 'twist');
	t.is(status, 1);
	t.regex(stderr, /twist.*rotate-stream/s);
});

test('another allocation is refused where there is nothing that it could decide, or nothing to decide on', async t => {
	const output = path.join(temporaryFolder(t), 'bundle');
	for (const [options, told] of [
		[['--allocation', 'lim', '--bits', '4'], /'lim'.*4 bits for all.*--budget/s],
		[['--allocation', 'measured', '--calibration', 'sample'], /'measured'.*no budget.*--budget/s],
		[['--allocation', 'measured', '--budget', '3MB', '--calibration', 'none'], /'measured'.*calibration.*--calibration sample/s],
		[['--allocation', 'zd', '--budget', '3MB', '--prefer', 'speed'], /'zd'.*--prefer speed/s],
	] as const) {
		const {status, stderr} = await snug(['compile', model, '-o', output, ...options]);
		t.is(status, 1, stderr);
		t.regex(stderr, told);
	}

	const {status, stdout, stderr} = await snug(['compile', model, '-o', output, '--allocation', 'zd', '--budget', '3MB', '--calibration', 'none', '--json']);
	t.is(status, 0, stderr);
	t.true((JSON.parse(stdout) as {bytes: {total: number}}).bytes.total <= 3e6);
});
