/** `snug eval`: perplexity of a bundle or a model on a text, and its distance from a reference. */
import {createProgress} from '../progress.js';
import {formatSize} from '../size.js';
import {formatTable} from '../table.js';
import {defineCommand, printJson} from './command.js';
import {choiceOption, countOption, otherwise, sizeOption, textOption} from './options.js';

export const evalCommand = defineCommand({
	usage: 'eval <bundle>',
	summary: 'Measure the quality of a bundle (or of an ONNX model, compiled without loss) on a text',
	examples: [
		['snug eval out --text book.txt', 'Perplexity on windows of the text'],
		['snug eval model.onnx --text book.txt', 'The same for the model before compression'],
		['snug eval out --text book.txt --against model.onnx', 'Distance from the original predictions too'],
	],
	options: parser =>
		parser
			.positional('bundle', {type: 'string', demandOption: true, description: 'The folder that compile wrote, or an ONNX file'})
			.option('text', {...textOption('--text', 'A text file'), demandOption: true})
			.option('context', {...countOption('--context', 'Tokens in a window', 2), ...otherwise('what the model holds, at most 512')})
			.option('windows', {...countOption('--windows', 'Windows, evenly spaced over the text'), default: '24', ...otherwise('24')})
			.option('path', {
				...choiceOption('--path', 'Kernels that make the logits', ['decode', 'prefill', 'reference']),
				default: 'prefill',
				...otherwise('prefill'),
			})
			.option('against', textOption('--against', 'An ONNX model: adds the divergence from its predictions and how often the likeliest token agrees'))
			.option('budget', {...sizeOption('--budget', 'Bytes that the model may hold'), ...otherwise("the bundle's largest level")})
			.option('threads', {...countOption('--threads', 'Threads that compute'), ...otherwise('one for each core')})
			.option('json', {type: 'boolean', default: false, description: 'Print one JSON object'}),
	async run({bundle, text, context, windows, path, against, budget, threads, json}, io) {
		const {evaluate} = await import('../evaluate-bundle.js');
		const progress = createProgress(io.stderr);
		try {
			const result = await evaluate(bundle, {text, context, windows, budget, threads, path, against, signal: io.signal, onProgress: progress.update});
			progress.end();
			if (json) {
				printJson(io, result);
				return;
			}

			const {perplexity, nll, tokens, bytes, kl, top1} = result;
			io.stdout.write(
				`${formatTable([
					['perplexity', perplexity.toFixed(4)],
					['nats a token', nll.toFixed(4)],
					['predictions', String(tokens)],
					['memory', formatSize(bytes)],
					...(kl === undefined ? [] : [['divergence (nats)', kl.toFixed(5)]]),
					...(top1 === undefined ? [] : [['same likeliest token', `${(top1 * 100).toFixed(1)} %`]]),
				])}\n`,
			);
		} finally {
			progress.end();
		}
	},
});
