/** `snug eval`: perplexity of a bundle or a model on a text, or its outputs on samples, and the distance from a reference. */
import {createProgress} from '../progress.js';
import {formatSize} from '../size.js';
import {formatTable} from '../table.js';
import {defineCommand, printJson, type Io} from './command.js';
import {choiceOption, countOption, otherwise, sizeOption, textOption} from './options.js';

/** Of a text, unless given. */
const WINDOWS = 24;

export const evalCommand = defineCommand({
	usage: 'eval <bundle>',
	summary: 'Measure the quality of a bundle (or of an ONNX model, compiled without loss) on a text, or on samples of its inputs',
	examples: [
		['snug eval out --text book.txt', 'Perplexity on windows of the text'],
		['snug eval model.onnx --text book.txt', 'The same for the model before compression'],
		['snug eval out --text book.txt --against model.onnx', 'Distance from the original predictions too'],
		['snug eval out --samples inputs.npz --against model.onnx', 'Distance of the outputs of any model'],
	],
	options: parser =>
		parser
			.positional('bundle', {type: 'string', demandOption: true, description: 'The folder that compile wrote, or an ONNX file'})
			.option('text', textOption('--text', 'A text file'))
			.option('samples', textOption('--samples', 'A .npz with an array of samples for every input, in place of a text; needs --against'))
			.option('context', {...countOption('--context', 'Tokens in a window', 2), ...otherwise('what the model holds, at most 512')})
			.option('windows', {...countOption('--windows', 'Windows, evenly spaced over the text'), ...otherwise(String(WINDOWS))})
			.option('path', {
				...choiceOption('--path', 'Kernels that make the logits', ['decode', 'prefill', 'reference']),
				default: 'prefill',
				...otherwise('prefill'),
			})
			.option('against', textOption('--against', 'An ONNX model: adds the divergence from its predictions and how often the likeliest token agrees'))
			.option('budget', {...sizeOption('--budget', 'Bytes that the model may hold'), ...otherwise("the bundle's largest level")})
			.option('threads', {...countOption('--threads', 'Threads that compute'), ...otherwise('one for each core')})
			.option('json', {type: 'boolean', default: false, description: 'Print one JSON object'})
			.check(({text, samples, context, windows, path, against}) => {
				if ((text === undefined) === (samples === undefined)) {
					throw new Error('expected either --text FILE or --samples FILE.npz');
				}

				const ofText = [context !== undefined && '--context', windows !== undefined && '--windows', path === 'decode' && '--path decode'];
				const misplaced = ofText.find(option => option !== false);
				if (samples !== undefined && misplaced !== undefined) {
					throw new Error(`${misplaced} goes with --text`);
				}

				if (samples !== undefined && against === undefined) {
					throw new Error('--samples is compared with nothing: add --against MODEL.onnx');
				}

				return true;
			}),
	async run({bundle, text, samples, context, windows, path, against, budget, threads, json}, io) {
		const progress = createProgress(io.stderr);
		const common = {budget, threads, signal: io.signal, onProgress: progress.update};
		try {
			if (samples !== undefined) {
				const {evaluateSamples} = await import('../evaluate-samples.js');
				const result = await evaluateSamples(bundle, {...common, samples, against: against!, reference: path === 'reference'});
				progress.end();
				print(io, json, result, [
					...result.outputs.flatMap(({name, cosine, largestDifference}) => [
						[`${name}: cosine`, cosine.toFixed(6)],
						[`${name}: largest difference`, largestDifference.toPrecision(3)],
					]),
					['samples', String(result.samples)],
					['memory', formatSize(result.bytes)],
				]);
				return;
			}

			const {evaluate} = await import('../evaluate-bundle.js');
			const result = await evaluate(bundle, {...common, text: text!, context, windows: windows ?? WINDOWS, path, against});
			progress.end();
			const {perplexity, nll, tokens, bytes, kl, top1} = result;
			print(io, json, result, [
				['perplexity', perplexity.toFixed(4)],
				['nats a token', nll.toFixed(4)],
				['predictions', String(tokens)],
				['memory', formatSize(bytes)],
				...(kl === undefined ? [] : [['divergence (nats)', kl.toFixed(5)]]),
				...(top1 === undefined ? [] : [['same likeliest token', `${(top1 * 100).toFixed(1)} %`]]),
			]);
		} finally {
			progress.end();
		}
	},
});

function print(io: Io, json: boolean, result: unknown, rows: ReadonlyArray<readonly string[]>): void {
	if (json) {
		printJson(io, result);
	} else {
		io.stdout.write(`${formatTable(rows)}\n`);
	}
}
