/** Three budgets; many more are in the long tier. */
import {testSizes} from './helpers/sizes.js';

testSizes({model: 'books-3m', count: 3, seed: 1, most: 6e6, used: 0.95});
