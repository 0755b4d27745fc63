/** Tables of text: columns as wide as their widest cell, numbers and sizes to the right. */

/** @param rows Cells; the first row is the head. A column whose cells below the head all start with a digit is aligned right. */
export function formatTable(rows: readonly (readonly string[])[]): string {
	const columns = Math.max(0, ...rows.map(row => row.length));
	const widths = Array.from({length: columns}, (_, column) => Math.max(...rows.map(row => (row[column] ?? '').length)));
	const right = widths.map((_, column) => rows.length > 1 && rows.slice(1).every(row => /^[\d–-]/.test(row[column] ?? '')));
	return rows
		.map(row =>
			widths
				.map((width, column) => {
					const cell = row[column] ?? '';
					return right[column] ? cell.padStart(width) : cell.padEnd(width);
				})
				.join('  ')
				.trimEnd(),
		)
		.join('\n');
}
