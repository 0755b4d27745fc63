/** The suites that take minutes: large models. */
import short from './ava.config.js';

export default {...short, files: ['test/long/**/*.test.ts'], timeout: '60m', concurrency: 1};
