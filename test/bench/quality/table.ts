/** Figures of an ablation as a table and a plot. */
import {writeFileSync} from 'node:fs';
import path from 'node:path';
import {drawChart} from '../../../compiler/report/chart.js';

export type Figure = {
	readonly variant: string;
	/** Bits a weight that were allowed, and that were taken. */
	readonly wanted: number;
	readonly bits: number;
	/** Calibration windows; null for those of a compile. */
	readonly seen: number | null;
	readonly perplexity: number;
	/** To float. */
	readonly ratio: number;
	/** From the predictions of float, in nats. */
	readonly divergence: number;
	/** Nats, by the allocator; null where it had no say. */
	readonly predicted: number | null;
};

/** Writes NAME.md and NAME.svg: ratios of perplexity to float and divergences, a row for each variant, a column for each number of bits. */
export function writeTable(folder: string, name: string, figures: readonly Figure[]): void {
	const columns = [...new Set(figures.map(({wanted}) => wanted))].sort((a, b) => a - b);
	const variants = [...new Set(figures.map(({variant}) => variant))];
	const find = (variant: string, wanted: number): Figure | undefined => figures.findLast(figure => figure.variant === variant && figure.wanted === wanted);
	const tableOf = (title: string, cell: (figure: Figure) => string): string =>
		[
			`| ${name}, ${title} | ${columns.map(bits => `${bits} bits`).join(' | ')} |`,
			`| --- | ${columns.map(() => '---:').join(' | ')} |`,
			...variants.map(variant => {
				const cells = columns.map(bits => find(variant, bits)).map(figure => (figure ? cell(figure) : '–'));
				return `| ${variant} | ${cells.join(' | ')} |`;
			}),
		].join('\n');
	const tables = [
		tableOf('perplexity to float', ({ratio}) => ratio.toFixed(ratio < 1.2 ? 4 : 3)),
		tableOf('divergence from float in nats', ({divergence}) => divergence.toFixed(4)),
		`![Loss against bits](${name}.svg)`,
	];
	writeFileSync(path.join(folder, `${name}.md`), `${tables.join('\n\n')}\n`);
	const curves = variants.map(variant => ({
		name: variant,
		points: columns.flatMap(bits => {
			const found = find(variant, bits);
			return found ? [{x: found.bits, y: found.divergence}] : [];
		}),
	}));
	const chart = drawChart({
		label: `${name}: divergence from the predictions of float, against bits a weight`,
		x: {title: 'bits a weight, all weights counted', format: String},
		y: {title: 'divergence in nats', format: String},
		curves,
	});
	writeFileSync(path.join(folder, `${name}.svg`), `${chart}\n`);
}
