import {statSync} from 'node:fs';
import {SnugError} from './error.js';

/** Whether a command's argument is a bundle's folder or a model's file; refused when there is nothing of that name. */
export function kindOf(source: string): 'bundle' | 'model' {
	const found = statSync(source, {throwIfNoEntry: false});
	if (!found) {
		throw new SnugError('no-source', {
			subject: source,
			problem: 'there is nothing of that name',
			expected: "a bundle's folder or an ONNX file",
			hint: "'snug compile MODEL -o DIR' writes a bundle",
		});
	}

	return found.isDirectory() ? 'bundle' : 'model';
}
