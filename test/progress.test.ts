import test from 'ava';
import {createProgress} from '../compiler/progress.js';
import {formatTable} from '../compiler/table.js';

function recorder(isTTY: boolean) {
	const written: string[] = [];
	return {written, stream: {isTTY, columns: 40, write: (text: string) => written.push(text)}};
}

test('a progress bar is drawn on a terminal, at most every 50 ms within a stage, and wiped at the end', t => {
	const {written, stream} = recorder(true);
	let time = 0;
	const progress = createProgress(stream, () => time);
	progress.update('encode', 0, 4);
	progress.update('encode', 1, 4);
	time = 60;
	progress.update('encode', 2, 4);
	progress.update('encode', 4, 4);
	progress.update('write', 0, 1);
	progress.end();
	t.deepEqual(
		written.map(text => /([\d]+) % (\w+)$/.exec(text)?.slice(1) ?? text),
		[['0', 'encode'], ['50', 'encode'], ['100', 'encode'], ['0', 'write'], '\r\u001B[K'],
	);
	t.true(written[1]?.includes(`${'█'.repeat(12)}${'░'.repeat(12)}`));
});

test('a line never wraps', t => {
	const {written, stream} = recorder(true);
	createProgress(stream).update('a stage with a name that is longer than the terminal', 1, 2);
	t.is(written[0]?.replace('\r\u001B[K', '').length, 39);
});

test('where there is no terminal nothing is written', t => {
	const {written, stream} = recorder(false);
	const progress = createProgress(stream);
	progress.update('encode', 1, 2);
	progress.end();
	t.deepEqual(written, []);
});

test('a table aligns text to the left and numbers to the right', t => {
	t.is(
		formatTable([
			['code', 'bits'],
			['planes', '4'],
			['bitstack', '16.5'],
		]),
		'code      bits\nplanes       4\nbitstack  16.5',
	);
});
