/** The page of `snug compile --sweep`: loss against bytes, the budgets on it. */
import {accessSync, constants, writeFileSync} from 'node:fs';
import path from 'node:path';
import {SnugError} from '../error.js';
import {formatSize} from '../size.js';
import type {SweepResult} from '../sweep.js';
import {drawChart} from './chart.js';
import {escape, page} from './markup.js';
import {formatLoss, lossMeaning} from './report.js';

/** Asked before the work, so that a wrong name is known at once. */
export function refuseUnwritable(file: string): void {
	try {
		accessSync(path.dirname(path.resolve(file)), constants.W_OK);
	} catch (error) {
		throw unwritable(file, error);
	}
}

/** @param file Is replaced. @param name Of the model. */
export function writePage(file: string, name: string, result: SweepResult): void {
	try {
		writeFileSync(file, sweepPage(name, result));
	} catch (error) {
		throw unwritable(file, error);
	}
}

const unwritable = (file: string, error: unknown): SnugError =>
	new SnugError(
		'unwritable-output',
		{subject: `output '${file}'`, problem: 'the page cannot be written', found: (error as Error).message, hint: 'name a file that you may write with -o'},
		{cause: error},
	);

function sweepPage(name: string, {points, curve, calibration}: SweepResult): string {
	const reached = points.flatMap(({budget, reached: found}) => (found ? [{name: formatSize(budget), x: found.bytes, y: found.loss}] : []));
	return page(
		`${name}: loss against bytes`,
		[
			`<h1>${escape(name)}</h1>`,
			`<p class="soft">${escape(lossMeaning(calibration ?? undefined))}</p>`,
			`<div class="scroll">${drawChart({
				label: `Predicted loss against bytes: ${reached.map(({name: budget, y}) => `${formatLoss(y)} at ${budget}`).join(', ')}`,
				x: {title: 'bytes that the device holds', format: formatSize},
				y: {title: 'predicted loss', format: formatLoss},
				curves: [{points: curve.map(({bytes, loss}) => ({x: bytes, y: loss}))}],
				marks: reached,
			})}</div>`,
			'<h2>Budgets</h2>',
			'<div class="scroll"><table><thead><tr><th>Budget</th><th class="number">Bytes held</th><th class="number">Bits per weight</th><th class="number">Predicted loss</th></tr></thead><tbody>',
			...points.map(
				({budget, reached: found, problem}) =>
					`<tr><th scope="row">${formatSize(budget)}</th>${
						found
							? `<td class="number">${found.bytes.toLocaleString('en')}</td><td class="number">${found.bitsPerWeight.toFixed(2)}</td><td class="number">${formatLoss(found.loss)}</td>`
							: `<td colspan="3">${escape(problem ?? '')}</td>`
					}</tr>`,
			),
			'</tbody></table></div>',
		].join('\n'),
	);
}
