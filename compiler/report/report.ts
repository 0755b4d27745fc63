/** `report.html` of a bundle: where the bytes went, weight by weight, loss against bytes, and what the device holds. */
import {totalOf, type Candidates, type Option} from '../allocate/allocate.js';
import type {reportBytes} from '../build.js';
import {describeCode} from '../bundle/summary.js';
import {formatSize} from '../size.js';
import {drawChart} from './chart.js';
import {frontierOf} from './frontier.js';
import {escape, page} from './markup.js';

export type ReportInput = {
	readonly name: string;
	/** Bytes, and which figure decided them; infinite without a budget. */
	readonly budget: {readonly bytes: number; readonly decidedBy: string};
	readonly bytes: ReturnType<typeof reportBytes>;
	readonly bitsPerWeight: number;
	readonly candidates: Candidates;
	/** How long slow codecs may make it, as `Patience` says; endless unless given. */
	readonly patience?: number;
	/** One option for each candidate. */
	readonly chosen: readonly Option[];
	/** The text that losses were measured on. */
	readonly calibration: string | undefined;
	/** The loss of the whole on a part of that text that nothing was fitted to. */
	readonly measured?: number;
};

export function reportPage(input: ReportInput): string {
	const {name, budget, bytes, bitsPerWeight, calibration} = input;
	const limit = Number.isFinite(budget.bytes) ? ` of ${formatSize(budget.bytes)} (${budget.decidedBy})` : '';
	return page(
		`${name}: where the bytes went`,
		[
			`<h1>${escape(name)}</h1>`,
			`<p>${escape(`${formatSize(bytes.total)}${limit}, ${bitsPerWeight.toFixed(2)} bits per weight.`)}</p>`,
			`<h2>What the device holds</h2>`,
			held(bytes),
			`<h2>Loss against bytes</h2>`,
			`<p class="soft">${escape(lossMeaning(calibration))}</p>`,
			...(input.measured === undefined ? [] : [`<p>${escape(comparison(input.chosen, input.measured))}</p>`]),
			frontier(input),
			`<h2>Weights</h2>`,
			weightTable(input),
		].join('\n'),
	);
}

const comparison = (chosen: readonly Option[], measured: number): string =>
	`Predicted: ${formatLoss(totalOf(chosen).loss)}, the sum over the weights. Measured on parts of the text that nothing was fitted to: ${formatLoss(measured)}.`;

/** What a loss is depends on whether there was a text. */
export const lossMeaning = (calibration: string | undefined): string =>
	calibration === undefined
		? 'Without a calibration: squared errors relative to the weights themselves, every weight counting alike. Says little about answers; compile with --calibration for more.'
		: `Predicted from the text ‘${calibration}’: for language models the divergence of predictions in nats, else half the squared distance of outputs relative to them.`;

const roles = {
	weights: 'Weights',
	state: 'State (the key-value cache)',
	activations: 'Activations',
	program: 'Program',
	other: 'Other constants, inputs, outputs, tables',
	padding: 'Up to the end of the last page of memory',
} as const;

function held(bytes: ReportInput['bytes']): string {
	const rows = Object.entries(roles).map(([key, label], index) => ({label, size: bytes[key as keyof typeof roles], color: `var(--${'abcdef'[index]!})`}));
	const share = (size: number): string => ((100 * size) / bytes.total).toFixed(1);
	return [
		`<div class="stack" aria-hidden="true">${rows.map(({size, color}) => `<div style="width:${share(size)}%;background:${color}"></div>`).join('')}</div>`,
		'<div class="scroll"><table><thead><tr><th>What</th><th class="number">Bytes</th><th class="number">Share</th></tr></thead><tbody>',
		...rows.map(
			({label, size, color}) =>
				`<tr><th scope="row" class="key" style="--key:${color}">${label}</th><td class="number">${size.toLocaleString('en')}</td><td class="number">${share(size)} %</td></tr>`,
		),
		`<tr><th scope="row">Together</th><td class="number">${bytes.total.toLocaleString('en')}</td><td class="number">100 %</td></tr>`,
		'</tbody></table></div>',
	].join('\n');
}

function frontier({candidates, patience, chosen, bytes}: ReportInput): string {
	const {bytes: held, loss} = totalOf(chosen);
	const rest = bytes.total - held;
	const curve = frontierOf(candidates, patience).map(point => ({x: point.bytes + rest, y: point.loss}));
	return `<div class="scroll">${drawChart({
		label: `Predicted loss against bytes; this bundle: ${formatLoss(loss)} at ${formatSize(bytes.total)}`,
		x: {title: 'bytes that the device holds', format: formatSize},
		y: {title: 'predicted loss', format: formatLoss},
		curves: [{points: curve}],
		marks: [{x: bytes.total, y: loss, name: 'this bundle'}],
	})}</div>`;
}

/** Three digits. */
export const formatLoss = (loss: number): string =>
	loss !== 0 && Math.abs(loss) < 1e-3 ? loss.toExponential(2).replace(/\.?0+e/, 'e') : String(Number(loss.toPrecision(3)));

function weightTable({candidates, chosen}: ReportInput): string {
	const most = Math.max(...chosen.map(({bytes}) => bytes));
	const worst = Math.max(...chosen.map(({loss}) => loss)) || 1;
	const bar = (share: number): string => `<td class="bar"><span style="width:${(100 * share).toFixed(1)}%"></span></td>`;
	return [
		'<div class="scroll"><table><thead><tr><th>Weight</th><th>Shape</th><th>Code</th><th class="number">Bits</th><th class="number">Bytes</th><th></th><th class="number">Loss</th><th></th></tr></thead><tbody>',
		...candidates.map(({weight}, index) => {
			const option = chosen[index]!;
			const bits = (8 * option.bytes) / (weight.rows * weight.columns);
			return `<tr><th scope="row">${escape(weight.name)}</th><td>${weight.rows} × ${weight.columns}</td><td>${escape(describeCode(option))}</td><td class="number">${bits.toFixed(2)}</td><td class="number">${option.bytes.toLocaleString('en')}</td>${bar(option.bytes / most)}<td class="number">${formatLoss(option.loss)}</td>${bar(option.loss / worst)}</tr>`;
		}),
		'</tbody></table></div>',
	].join('\n');
}
