/** A thread of the pool. */
export {runJob as default} from './job.js';
