/** `snug worker`: runs the jobs of compiles on other machines. */
import {defineCommand} from './command.js';
import {countOption, otherwise, textOption} from './options.js';

export const workerCommand = defineCommand({
	usage: 'worker',
	summary: 'Run the jobs of compiles that were started with --queue',
	examples: [['snug worker --queue redis://host:6379 --store /mnt/snug', 'Until Ctrl-C, which lets the jobs under way end']],
	options: parser =>
		parser
			.option('queue', {...textOption('--queue', 'The Redis that compiles use: redis://host:6379'), demandOption: true})
			.option('store', {...textOption('--store', 'A folder that the compile and all workers can write to, or s3://BUCKET'), demandOption: true})
			.option('threads', {...countOption('--threads', 'Jobs at once'), ...otherwise('one a core')}),
	async run({queue, store, threads}, io) {
		const [{serveQueue}, {openStore}] = await Promise.all([import('../jobs/queue.js'), import('../jobs/store.js')]);
		await serveQueue({
			url: queue,
			store: await openStore(store),
			...(threads !== undefined && {threads}),
			signal: io.signal,
			onReady: () => io.stderr.write('waiting for jobs; Ctrl-C ends\n'),
			onJob: ({kind, weight, seconds, error}) => io.stdout.write(`${kind} ${weight}, ${seconds.toFixed(1)} s${error === undefined ? '' : `: ${error}`}\n`),
		});
	},
});
