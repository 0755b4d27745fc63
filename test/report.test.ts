/** The pages about a bundle and a sweep: what they say, that they stand alone, and that names are no markup. */
import {readFileSync} from 'node:fs';
import path from 'node:path';
import test from 'ava';
import type {Candidates} from '../compiler/allocate/allocate.js';
import {drawChart} from '../compiler/report/chart.js';
import {frontierOf} from '../compiler/report/frontier.js';
import {reportPage} from '../compiler/report/report.js';
import {snug} from './helpers/command-line.js';
import {findModel} from './helpers/models.js';
import {temporaryFolder} from './helpers/temporary.js';

const option = (codec: string, bits: number, bytes: number, loss: number) => ({codec, parameters: {bits}, bytes, loss, cost: loss, time: 0});

const weight = (name: string) => {
	const dims = [8, 16];
	return {name, rows: 8, columns: 16, constant: {dtype: 'float32', dims, read: () => new Float32Array(128)}, uses: [name], products: 1} as const;
};

const candidates: Candidates = [
	{weight: weight('first<script>'), options: [option('planes', 2, 40, 0.5), option('planes', 3, 60, 0.2), option('scalar', 4, 80, 0.05)]},
	{weight: weight('second'), options: [option('planes', 2, 40, 0.1), option('scalar', 4, 80, 0.01)]},
];

const bytes = {weights: 120, state: 10, activations: 20, program: 30, other: 5, padding: 15, total: 200};

test('the frontier goes from the smallest codes to the best, and never up', t => {
	const points = frontierOf(candidates);
	t.deepEqual(points[0], {bytes: 80, loss: 0.6});
	t.is(points.at(-1)!.bytes, 160);
	t.true(Math.abs(points.at(-1)!.loss - 0.06) < 1e-12);
	t.true(points.every(({bytes: size, loss}, index) => index === 0 || (size > points[index - 1]!.bytes && loss <= points[index - 1]!.loss)));
});

test('a report says where the bytes went, with names as text, and fetches nothing', t => {
	const chosen = [candidates[0]!.options[2]!, candidates[1]!.options[0]!];
	const text = reportPage({
		name: 'a & b',
		budget: {bytes: 250, decidedBy: 'the budget option'},
		bytes,
		bitsPerWeight: 3.75,
		candidates,
		chosen,
		calibration: 'sample',
		measured: 0.17,
	});
	t.regex(text, /<title>a &amp; b: where the bytes went<\/title>/);
	t.regex(text, /first&lt;script&gt;/);
	t.notRegex(text, /<script|https?:\/\/(?!www\.w3\.org)|@import|url\(/);
	t.regex(text, /200 B of 250 B \(the budget option\), 3\.75 bits per weight/);
	t.regex(text, /Predicted: 0\.15, the sum over the weights\. Measured [^<]*: 0\.17/);
	t.regex(text, /scalar bits=4<\/td><td class="number">5\.00<\/td><td class="number">80</);
	t.regex(text, /<svg[^>]*aria-label="Predicted loss against bytes; this bundle: 0\.15 at 200 B"/);
	const without = reportPage({name: 'a', budget: {bytes: Infinity, decidedBy: 'nothing'}, bytes, bitsPerWeight: 3, candidates, chosen, calibration: undefined});
	t.notRegex(without, /Measured|Infinity|NaN|undefined/);
});

test('a chart has its points inside, and leaves out what a logarithm has no place for', t => {
	const axis = {title: 'x', format: String};
	const drawn = drawChart({
		label: '"quoted"',
		x: axis,
		y: axis,
		curves: [
			{
				name: 'all',
				points: [
					{x: 1, y: 0},
					{x: 2, y: 0.5},
					{x: 1000, y: 1e-6},
				],
			},
		],
	});
	t.is([...drawn.matchAll(/<circle /g)].length, 2);
	const places = (axis: string): number[] => [...drawn.matchAll(new RegExp(`c${axis}="([^"]*)"`, 'g'))].map(([, place]) => Number(place));
	t.true(places('x').every(place => place > 0 && place < 800) && places('y').every(place => place > 0 && place < 360));
	t.regex(drawn, /aria-label="&quot;quoted&quot;"/);
	t.is(drawChart({label: '', x: axis, y: axis, curves: [{points: [{x: 1, y: 0}]}]}), '');
});

test('a sweep compares budgets, says which are impossible, and writes a page where one is named', async t => {
	const folder = temporaryFolder(t);
	const page = path.join(folder, 'sweep.html');
	const argumentList = ['compile', findModel('books-3m')!, '--sweep', '2.5MB,10kB,4MB', '--calibration', 'none', '--cache', path.join(folder, 'cache')];
	const {status, stdout, stderr} = await snug([...argumentList, '-o', page]);
	t.is(stderr, '');
	t.is(status, 0);
	const rows = stdout.split('\n');
	t.regex(rows[1]!, /^ *10 kB .*does not fit: at least \d/);
	t.regex(rows[2]!, /^ *2\.5 MB +2\.\d+ MB +\d\.\d\d .*█{32}$/);
	t.regex(rows[3]!, /^ *4 MB +[34](\.\d+)? MB +\d\.\d\d [^█]*█{1,31}$/);
	const text = readFileSync(page, 'utf8');
	t.is([...text.matchAll(/<circle /g)].length, 2);
	t.regex(text, /does not fit: at least/);

	const json = await snug([...argumentList, '--json']);
	const {points, curve, calibration} = JSON.parse(json.stdout) as {
		points: Array<{budget: number; reached?: {bytes: number; loss: number}}>;
		curve: unknown[];
		calibration: null;
	};
	t.deepEqual(
		points.map(({budget}) => budget),
		[10_000, 2_500_000, 4_000_000],
	);
	t.is(points[0]!.reached, undefined);
	t.true(points[1]!.reached!.loss > points[2]!.reached!.loss && points[2]!.reached!.bytes <= 4e6);
	t.true(curve.length > 10);
	t.is(calibration, null);
});

test('a sweep that cannot be written, or makes no sense, says so', async t => {
	const model = findModel('books-3m')!;
	for (const [more, message] of [
		[['-o', 'out'], /expected an \.html file with --sweep, found 'out'/],
		[['--budget', '2MB'], /sweep.*budget|budget.*sweep/],
		[['--sweep', '3MB'], /--sweep is given more than once/],
	] as const) {
		const {status, stderr} = await snug(['compile', model, '--sweep', '2MB', ...more]);
		t.is(status, 2, stderr);
		t.regex(stderr, message);
	}

	const {status, stderr} = await snug(['compile', model, '--sweep', '3MB', '--calibration', 'none', '-o', path.join(temporaryFolder(t), 'none', 'a.html')]);
	t.is(status, 1);
	t.regex(stderr, /a\.html': the page cannot be written/);
});
