/** `snug inspect`: what a bundle holds, or what a stage of the pipeline makes of a model. */
import {statSync} from 'node:fs';
import {readManifest} from '../bundle/read.js';
import {formatSummary, summarize} from '../bundle/summary.js';
import {kindOf} from '../source.js';
import {defineCommand, printJson} from './command.js';
import {otherwise, textOption} from './options.js';

export const inspectCommand = defineCommand({
	usage: 'inspect <source>',
	summary: 'Show what a bundle holds, or a stage of the pipeline for a model',
	examples: [
		['snug inspect out', 'Levels, bytes, codes, state and entries of a bundle'],
		['snug inspect model.onnx --stage optimise', 'The graph after the passes'],
	],
	options: parser =>
		parser
			.positional('source', {type: 'string', demandOption: true, description: 'The folder that compile wrote, or an ONNX file'})
			.option('stage', {...textOption('--stage', 'A stage of the pipeline, for an ONNX file'), ...otherwise('the first')})
			.option('json', {type: 'boolean', default: false, description: 'Print one JSON object'})
			.check(({source, stage}) => {
				if (stage !== undefined && statSync(source, {throwIfNoEntry: false})?.isDirectory()) {
					throw new Error('--stage goes with an ONNX file: a bundle holds the result of the last stage only');
				}

				return true;
			}),
	async run({source, stage, json}, io) {
		if (kindOf(source) === 'bundle') {
			const summary = summarize(readManifest(source));
			if (json) {
				printJson(io, summary);
			} else {
				io.stdout.write(`${formatSummary(summary)}\n`);
			}

			return;
		}

		const {inspectStages} = await import('../inspect.js');
		const {text, json: value} = await inspectStages(source, stage);
		if (json) {
			printJson(io, value);
		} else {
			io.stdout.write(`${text}\n`);
		}
	},
});
