/** Where a worker begins. */
import {host} from './host.js';
import {serve} from './worker.js';

const port = host.port();
if (port) {
	serve(port);
}
