/** A thread that helps a model's worker: does its share of every job, forever; it ends with the worker that started it. */
import {abandon, nextJob, openControl, stop} from './control.js';
import type {Port} from './host-type.js';
import type {FromThread, ToThread} from './team.js';

export function serveThread(port: Port<FromThread, ToThread>): void {
	port.listen(({module, memory, control: block, barrier, entries, thread, threads}) => {
		const control = openControl(block, memory, barrier);
		const {exports} = new WebAssembly.Instance(module, {env: {memory}});
		const functions = entries.map(({name}) => exports[name] as (...values: number[]) => void);
		const counts = entries.map(({symbols}) => symbols);
		port.post('ready');
		for (let seen = 0; ;) {
			const {job, entry, symbols} = nextJob(control, seen, counts);
			seen = job;
			try {
				functions[entry]!(...symbols, thread, threads);
			} catch (error) {
				abandon(control, error instanceof Error ? error.message : String(error));
				stop(control);
			}
		}
	});
}
