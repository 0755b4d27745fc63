/** Every width with every group size. */
import {allCodes, testWidths} from '../helpers/widths.js';

testWidths([32, 64, 128].flatMap(allCodes), {windows: 4});
