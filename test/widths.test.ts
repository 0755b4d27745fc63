/** One code of each codec; all the others, which take minutes, are in the long tier. */
import {testWidths} from './helpers/widths.js';

testWidths(
	[
		{codec: 'planes', bits: 3, group: 64},
		{codec: 'scalar', bits: 4, group: 64},
		{codec: 'scalar', bits: 6, group: 64},
	],
	{windows: 2},
);
