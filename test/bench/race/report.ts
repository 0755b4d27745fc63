/** The race in figures: medians over all rounds with their spread, and each of Snug's against the best peer with as many threads. */
import {median, spreadOf, type Spread} from '../../../compiler/bench/statistics.js';
import {formatTable} from '../../../compiler/table.js';
import type {Contender} from './contenders.js';
import type {Run} from './run.js';

export type Row = {
	readonly name: string;
	readonly threads: number;
	readonly modelBytes: number;
	readonly runtimeBytes: number;
	readonly loadMs: number;
	readonly firstTokenMs: number;
	/** Tokens a second. */
	readonly prefill: Spread;
	readonly decode: Spread;
	/** Behind the long prompt. */
	readonly deepDecode: Spread;
	readonly peakBytes: number;
	readonly blankBytes: number;
	readonly perplexity: number | null;
	readonly promptTokens: number;
	readonly rounds: number;
};

/** Times an answer: tokens by the whole time, since a runtime may hand several out at once. */
const rate = (steps: readonly number[]): number => (steps.length * 1000) / steps.reduce((sum, step) => sum + step, 0);

export function rowOf({name, threads, modelBytes, runtimeBytes}: Contender, runs: readonly Run[], perplexity: number | null): Row {
	const answers = runs.flatMap(run => run.answers);
	return {
		name,
		threads,
		modelBytes,
		runtimeBytes,
		loadMs: median(runs.map(({load}) => load)),
		firstTokenMs: median(runs.map(({firstToken}) => firstToken)),
		prefill: spreadOf(answers.map(({first, promptTokens}) => (promptTokens * 1000) / first)),
		decode: spreadOf(answers.map(({steps}) => rate(steps))),
		deepDecode: spreadOf(runs.flatMap(({deep}) => deep.map(({steps}) => rate(steps)))),
		peakBytes: median(runs.map(({peak}) => peak)),
		blankBytes: median(runs.map(({blank}) => blank)),
		perplexity,
		promptTokens: median(answers.map(answer => answer.promptTokens)),
		rounds: runs.length,
	};
}

const head = [
	'',
	'threads',
	'model MB',
	'runtime kB, gzip',
	'load ms',
	'first token ms',
	'prefill tokens/s',
	'decode tokens/s',
	'at 960',
	'peak MB',
	'perplexity',
];

function cells(row: Row): string[] {
	const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(bytes < 99.5e6 ? 1 : 0);
	const spread = ({median: middle, low, high, count}: Spread): string => `${middle.toFixed(1)}${count < 4 ? '' : ` (${low.toFixed(0)}–${high.toFixed(0)})`}`;
	return [
		row.name,
		String(row.threads),
		megabytes(row.modelBytes),
		(row.runtimeBytes / 1e3).toFixed(0),
		row.loadMs.toFixed(0),
		row.firstTokenMs.toFixed(0),
		spread(row.prefill),
		spread(row.decode),
		spread(row.deepDecode),
		megabytes(row.peakBytes),
		row.perplexity === null ? '–' : row.perplexity.toFixed(2),
	];
}

export const tableOf = (rows: readonly Row[]): string => formatTable([head, ...rows.map(cells)]);

export const markdownOf = (rows: readonly Row[]): string =>
	[head, head.map((_, index) => (index === 0 ? '---' : '---:')), ...rows.map(cells)].map(line => `| ${line.join(' | ')} |`).join('\n');

/** How many times faster, smaller or leaner a row is than the best of the peers with as many threads, figure by figure. */
export function ratiosOf(rows: readonly Row[]): string {
	const isOurs = ({name}: Row): boolean => name.startsWith('snug ');
	const lines = rows.filter(isOurs).flatMap(row => {
		const peers = rows.filter(other => !isOurs(other) && other.threads === row.threads);
		if (peers.length === 0) {
			return [];
		}

		const most = (read: (row: Row) => number): string => (read(row) / Math.max(...peers.map(read))).toFixed(2);
		const least = (read: (row: Row) => number): string => (Math.min(...peers.map(read)) / read(row)).toFixed(2);
		return [
			[
				row.name,
				String(row.threads),
				least(({modelBytes}) => modelBytes),
				least(({runtimeBytes}) => runtimeBytes),
				least(({loadMs}) => loadMs),
				least(({firstTokenMs}) => firstTokenMs),
				most(({prefill}) => prefill.median),
				most(({decode}) => decode.median),
				most(({deepDecode}) => deepDecode.median),
				least(({peakBytes}) => peakBytes),
				least(({peakBytes, blankBytes}) => peakBytes - blankBytes),
			],
		];
	});
	return lines.length === 0
		? ''
		: formatTable([
				['times better than the best peer', 'threads', 'model', 'runtime', 'load', 'first token', 'prefill', 'decode', 'at 960', 'peak', 'peak over blank'],
				...lines,
			]);
}
