/** A thread that helps a model's worker: does its share of every job, forever, until it is ended from outside. */
import {abandon, isCurrent, nextJob, openControl, stop} from './control.js';
import type {Port} from './host-type.js';
import type {FromThread, ToThread} from './thread-start.js';

export function serveThread(port: Port<FromThread, ToThread>): void {
	port.listen(({module, memory, control: block, barrier, entries, thread}) => {
		const control = openControl(block, memory, barrier);
		const {exports} = new WebAssembly.Instance(module, {env: {memory}});
		const functions = entries.map(({name}) => exports[name] as (...values: number[]) => void);
		const counts = entries.map(({symbols}) => symbols);
		port.post('ready');
		for (let [seen, soon] = [0, true]; ;) {
			const {job, task} = nextJob(control, thread, {seen, soon}, counts);
			[seen, soon] = [job, task !== undefined];
			try {
				if (task) {
					functions[task.entry]!(...task.symbols, thread, task.threads);
				}
			} catch (error) {
				// Who wakes late from the last barrier of a job may see the next one fail.
				if (!isCurrent(control, job)) {
					continue;
				}

				abandon(control, error instanceof Error ? error.message : String(error));
				stop(control);
			}
		}
	});
}
