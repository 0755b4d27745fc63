/** The pipeline: an ONNX model to a folder of static files. One line a stage; each stage is a folder. */
import path from 'node:path';
import {totalOf} from './allocate/allocate.js';
import {reportBytes} from './build.js';
import {refuseStranger, writeFolder} from './bundle/folder.js';
import {findText} from './bundle/text.js';
import {bitsPerWeight, writeBundle} from './bundle/write.js';
import {fit} from './fit.js';
import {encodeAhead} from './jobs/encode.js';
import {chooseBudget, prepare, withMeans, type Means, type PrepareOptions} from './prepare.js';
import {reportPage} from './report/report.js';
import {version} from './version.js';

export type CompileOptions = PrepareOptions & {readonly output: string};

export type CompileResult = {
	readonly bundle: string;
	readonly budget: number;
	/** Which figure decided the budget. */
	readonly decidedBy: string;
	readonly bytes: {
		readonly weights: number;
		readonly state: number;
		readonly activations: number;
		readonly program: number;
		readonly other: number;
		readonly padding: number;
		readonly total: number;
	};
	readonly bitsPerWeight: number;
	/** The text that losses were measured on; null where they were not. */
	readonly calibration: string | null;
	/** Predicted losses; and the one that was measured where there is a sequential pass, on calibration text that nothing was fitted to. */
	readonly levels: ReadonlyArray<{readonly bytes: number; readonly loss: number; readonly measured?: number}>;
	readonly seconds: number;
	readonly peakMemory: number;
};

export const compile = async (model: string, options: CompileOptions): Promise<CompileResult> =>
	withMeans(options, async means => compileWith(means, model, options));

async function compileWith(means: Means, model: string, options: CompileOptions): Promise<CompileResult> {
	const started = performance.now();
	refuseStranger(options.output);
	const budget = chooseBudget(options);
	const {typed, weights, positions, config, text, session, candidates, patience, lowerings} = await prepare(
		model,
		options,
		Number.isFinite(budget.bytes),
		means,
	);
	const {chosen, built} = await fit(typed, candidates, lowerings(budget.bytes), budget, patience);
	const refined = await session?.refine(chosen);
	const name = path.basename(path.dirname(path.resolve(model)));
	const bytes = reportBytes(built);
	const measured = refined?.loss === undefined ? {} : {measured: refined.loss};
	const signal = options.signal && {signal: options.signal};
	await writeFolder(options.output, async directory =>
		writeBundle(directory, {
			name,
			generator: `snug ${version}`,
			graph: typed.graph,
			weights,
			partsOf: refined
				? async name => [refined.parts.get(name)!]
				: encodeAhead(built.program.weights, weights, {pool: means.pool, ...(session && {calibration: session.calibration}), ...signal}),
			built,
			budget: Number.isFinite(budget.bytes) ? budget.bytes : built.total,
			positions,
			config,
			text: findText(path.dirname(model)),
			report: reportPage({
				name,
				budget,
				bytes,
				bitsPerWeight: bitsPerWeight(built),
				candidates,
				patience,
				chosen,
				calibration: text === undefined ? undefined : path.basename(text),
				...measured,
			}),
			...signal,
			onProgress: (done, total) => options.onProgress?.('encode', done, total),
		}),
	);
	return {
		bundle: options.output,
		budget: Number.isFinite(budget.bytes) ? budget.bytes : built.total,
		decidedBy: budget.decidedBy,
		bytes,
		bitsPerWeight: bitsPerWeight(built),
		calibration: text ?? null,
		levels: [{bytes: built.total, loss: totalOf(chosen).loss, ...measured}],
		seconds: (performance.now() - started) / 1000,
		peakMemory: process.resourceUsage().maxRSS * 1024,
	};
}
