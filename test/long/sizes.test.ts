/** Random budgets from the least that fits to what holds everything. */
import {testSizes} from '../helpers/sizes.js';

testSizes({model: 'books-3m', count: 20, seed: 2, most: 16e6, used: 0.95});
testSizes({model: 'smollm2-135m', count: 20, seed: 3, most: 600e6, used: 0.97});
