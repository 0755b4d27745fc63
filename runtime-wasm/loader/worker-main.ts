/** Where a worker begins. */
import {host} from './host.js';
import type {ToPage, ToWorker} from './protocol.js';
import {serveThread} from './thread.js';
import type {FromThread, ToThread} from './thread-start.js';
import {serve} from './worker.js';

const model = host.port<ToPage, ToWorker>('model');
if (model) {
	serve(model);
}

const thread = host.port<FromThread, ToThread>('thread');
if (thread) {
	serveThread(thread);
}
