import test from 'ava';
import {textStream, type TextStream} from '../../runtime-wasm/loader/text.js';

/** A token is a byte: what byte-level tokenizers do at their finest. */
const bytes = {decode: (ids: readonly number[]): string => new TextDecoder().decode(Uint8Array.from(ids))};
const encode = (text: string): number[] => [...new TextEncoder().encode(text)];

/** As SentencePiece: words with a mark for the space before them, which a text does not begin with. */
const pieces = ['▁the', '▁cat', '▁sat', 's', '.'];
const sentencePiece = {
	decode: (ids: readonly number[]): string =>
		ids
			.map(id => pieces[id])
			.join('')
			.replaceAll('▁', ' ')
			.trimStart(),
};

function increments(stream: TextStream, tokens: readonly number[]): string[] {
	const texts: string[] = [];
	for (const token of tokens) {
		texts.push(stream.push(token));
		if (stream.stopped) {
			break;
		}
	}

	return [...texts, stream.end()];
}

test('a character comes when its last byte does', t => {
	t.deepEqual(increments(textStream(bytes, [], []), encode('aé€😀b')), ['a', '', 'é', '', '', '€', '', '', '', '😀', 'b', '']);
});

test('increments make the whole text, whatever it is', t => {
	for (const text of ['', 'plain', '日本語のテキスト', '👩‍👩‍👧‍👦 and 🏳️‍🌈', 'mixé: ñ€𝄞 end', 'a real \uFFFD stays', '\u0000\n\t']) {
		for (const prompt of ['', 'Once', 'ü', '😀😀']) {
			t.is(increments(textStream(bytes, encode(prompt), []), encode(text)).join(''), text, `'${prompt}' + '${text}'`);
		}
	}
});

test('a prompt that ends inside a character is continued', t => {
	const smile = encode('😀');
	t.is(increments(textStream(bytes, [...encode('a'), ...smile.slice(0, 2)], []), [...smile.slice(2), ...encode('b')]).join(''), '😀b');
});

test('bytes that are no text come out in the end as replacement characters', t => {
	const texts = increments(textStream(bytes, [], []), [...encode('ab'), 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, ...encode('c')]);
	t.regex(texts.join(''), /^ab\uFFFD+c$/);
	t.is(increments(textStream(bytes, [], []), [...encode('a'), 0xe2]).join(''), 'a\uFFFD');
});

test('a decoder that drops the first space keeps those between words', t => {
	t.deepEqual(increments(textStream(sentencePiece, [0], []), [1, 3, 2, 4]), [' cat', 's', ' sat', '.', '']);
	t.is(increments(textStream(sentencePiece, [], []), [0, 1, 2, 3, 4, 0, 1, 2, 3, 4]).join(''), 'the cat sats. the cat sats.');
});

test('a stop string ends the text before it, wherever tokens part it', t => {
	const stream = textStream(bytes, [], ['END', '\n\n']);
	t.is(increments(stream, encode('one\ntwo ENE ENDx')).join(''), 'one\ntwo ENE ');
	t.true(stream.stopped);
	t.is(stream.push(encode('y')[0]!), '');
	t.is(increments(textStream(bytes, [], ['END', '\n\n']), encode('one\n\ntwo')).join(''), 'one');
	t.is(increments(textStream(sentencePiece, [0], ['sat']), [1, 2, 3]).join(''), ' cat ');
});

test('what may begin a stop string is held back, and handed out when it does not', t => {
	t.deepEqual(increments(textStream(bytes, [], ['END']), encode('aENx')), ['a', '', '', 'ENx', '']);
	t.deepEqual(increments(textStream(bytes, [], ['END']), encode('aEN')), ['a', '', '', 'EN']);
	t.deepEqual(increments(textStream(bytes, [], ['aab']), encode('aaab')), ['', '', 'a', '', '']);
	t.is(increments(textStream(bytes, [], ['END', 'N']), encode('xEND')).join(''), 'xE');
	t.is(increments(textStream(bytes, [], ['']), encode('abc')).join(''), 'abc');
});
