/** `snug serve`: a page on this machine to try a bundle in. */
import {once} from 'node:events';
import {readManifest} from '../bundle/read.js';
import {defineCommand} from './command.js';
import {otherwise, portOption} from './options.js';

/** Where the search for a free port begins, and how far it goes. */
const ports = {from: 8080, count: 20};

export const serveCommand = defineCommand({
	usage: 'serve <bundle>',
	summary: 'Serve a page to try a bundle in, on this machine only',
	examples: [
		['snug serve out', 'Prints the address; Ctrl-C ends'],
		['snug serve out --port 3000', 'At this port, or not at all'],
	],
	options: parser =>
		parser
			.positional('bundle', {type: 'string', demandOption: true, description: 'The folder that compile wrote'})
			.option('port', {...portOption('--port', 'The port'), ...otherwise(`the first free one from ${ports.from}`)}),
	async run({bundle, port}, io) {
		const {serveBundle} = await import('../serve/server.js');
		const {name} = readManifest(bundle);
		io.signal.throwIfAborted();
		const server = await serveBundle(bundle, port === undefined ? {ports} : {port});
		try {
			io.stdout.write(`${name}: ${server.url}\n`);
			if (io.stderr.isTTY) {
				io.stderr.write('Ctrl-C ends\n');
			}

			await once(io.signal, 'abort');
		} finally {
			await server.close();
		}
	},
});
