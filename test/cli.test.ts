import {spawnSync} from 'node:child_process';
import {mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import path from 'node:path';
import process from 'node:process';
import {fileURLToPath} from 'node:url';
import test, {type ExecutionContext} from 'ava';
import {FORMAT} from '../compiler/bundle/format.js';
import {findProfile, profiles} from '../profiles/index.js';
import {snug} from './helpers/command-line.js';
import {sampleManifest} from './helpers/sample-manifest.js';

const commands = ['compile', 'run', 'serve', 'eval', 'bench', 'inspect', 'profiles'];

function temporary(t: ExecutionContext): string {
	const directory = mkdtempSync(path.join(tmpdir(), 'snug-cli-'));
	t.teardown(() => {
		rmSync(directory, {recursive: true});
	});
	return directory;
}

test('help lists the commands', async t => {
	const {status, stdout, stderr} = await snug(['--help']);
	t.is(status, 0);
	t.is(stderr, '');
	t.snapshot(stdout);
	t.deepEqual(await snug(['-h']), {status, stdout, stderr});
});

for (const command of commands) {
	test(`help of ${command} explains its options, with examples`, async t => {
		const {status, stdout, stderr} = await snug([command, '--help']);
		t.is(status, 0);
		t.is(stderr, '');
		t.regex(stdout, new RegExp(`snug ${command} .*\n[^]*Examples:\n {2}snug ${command}`));
		t.snapshot(stdout);
	});
}

const misuses: ReadonlyArray<readonly [title: string, argumentList: readonly string[], message: RegExp]> = [
	['no command', [], /a command is needed/],
	['an unknown command', ['compose'], /Unknown command: compose/],
	['an unknown option', ['profiles', '--jsn'], /Unknown argument: jsn/],
	['a negated option', ['profiles', '--no-json'], /Unknown arguments: no-json/],
	['no model', ['compile', '-o', 'out'], /an argument is missing; 'snug compile --help'/],
	['no output', ['compile', 'model.onnx'], /Missing required argument: output; 'snug compile --help'/],
	['an argument too many', ['compile', 'a.onnx', 'b.onnx', '-o', 'out'], /Unknown argument: b\.onnx/],
	['a size that is none', ['compile', 'a.onnx', '-o', 'out', '--budget', '60XB'], /--budget: is no size.*found '60XB'/],
	['an option without its value', ['compile', 'a.onnx', '-o', 'out', '--budget'], /Not enough arguments following: budget/],
	['an option twice', ['compile', 'a.onnx', '-o', 'out', '--budget', '1MB', '--budget', '2MB'], /--budget is given more than once/],
	['bits that are no number', ['compile', 'a.onnx', '-o', 'out', '--bits', '4x'], /--bits: expected a number of at least 1, found '4x'/],
	['no bits', ['compile', 'a.onnx', '-o', 'out', '--bits', '0'], /--bits: expected a number of at least 1, found '0'/],
	['an empty codec', ['compile', 'a.onnx', '-o', 'out', '--codecs', 'planes,'], /--codecs: expected names separated by commas, found 'planes,'/],
	['a dimension without a value', ['compile', 'a.onnx', '-o', 'out', '--dim', 'height='], /--dim: expected NAME=VALUE, found 'height='/],
	['a dimension that is no number', ['compile', 'a.onnx', '-o', 'out', '--dim', 'height=big'], /--dim height: expected a number .*found 'big'/],
	['bounds that are reversed', ['compile', 'a.onnx', '-o', 'out', '--dim', 'height=8..4'], /--dim height: .*found '8\.\.4'/],
	['a dimension twice', ['compile', 'a.onnx', '-o', 'out', '--dim', 'height=1', '--dim', 'height=2'], /--dim: 'height' is given more than once/],
	[
		'an unknown cache precision',
		['compile', 'a.onnx', '-o', 'out', '--cache-precision', 'int4'],
		/--cache-precision: expected one of float32, float16, int8, found 'int4'/,
	],
	['neither prompt nor input', ['run', 'out'], /expected either --prompt TEXT or --input/],
	['both prompt and input', ['run', 'out', '-p', 'a', '--input', 'x=x.npy'], /expected either --prompt TEXT or --input/],
	['a temperature for arrays', ['run', 'out', '--input', 'x=x.npy', '--temperature', '1'], /--temperature goes with --prompt/],
	['an output file for text', ['run', 'out', '-p', 'a', '-o', 'out.npz'], /--output goes with --input/],
	['an input twice', ['run', 'out', '--input', 'x=a.npy', '--input', 'x=b.npy'], /--input: 'x' is given more than once/],
	['a negative temperature', ['run', 'out', '-p', 'a', '--temperature=-1'], /--temperature: expected a number of at least 0, found '-1'/],
	['a port that is none', ['serve', 'out', '--port', '99999'], /--port: expected a port from 0 to 65535, found '99999'/],
	['no text to evaluate', ['eval', 'out'], /expected either --text FILE or --samples FILE\.npz/],
	['a text beside samples', ['eval', 'out', '--text', 'a.txt', '--samples', 'a.npz', '--against', 'a.onnx'], /expected either --text FILE or --samples/],
	['samples that are compared with nothing', ['eval', 'out', '--samples', 'a.npz'], /--samples.*nothing: add --against/],
	['a window of samples', ['eval', 'out', '--samples', 'a.npz', '--against', 'a.onnx', '--context', '9'], /--context goes with --text/],
	['samples one token at a time', ['eval', 'out', '--samples', 'a.npz', '--against', 'a.onnx', '--path', 'decode'], /--path decode goes with --text/],
	['an unknown path', ['eval', 'out', '--text', 'a.txt', '--path', 'fast'], /--path: expected one of decode, prefill, reference, found 'fast'/],
	['a window of one token', ['eval', 'out', '--text', 'a.txt', '--context', '1'], /--context: expected a whole number of at least 2/],
];

for (const [title, argumentList, message] of misuses) {
	test(`wrong usage ends with status 2 and one line: ${title}`, async t => {
		const {status, stdout, stderr} = await snug(argumentList);
		t.is(status, 2);
		t.is(stdout, '');
		t.regex(stderr, message);
		t.regex(stderr, /^snug: [^\n]+; 'snug [^\n]*--help' explains the usage\n$/);
	});
}

test('an error in the input ends with status 1 and one line', async t => {
	for (const argumentList of [
		['profiles', 'nokia-3310'],
		['inspect', path.join(temporary(t), 'none')],
		['inspect', temporary(t)],
		['compile', 'model.onnx', '-o', 'out', '--profile', 'nokia-3310'],
	]) {
		const {status, stdout, stderr} = await snug(argumentList);
		t.is(status, 1, argumentList.join(' '));
		t.is(stdout, '');
		t.regex(stderr, /^snug: [^\n]+\n$/);
		t.notRegex(stderr, /internal error/);
	}
});

test('profiles prints a row for each profile, and as JSON one object', async t => {
	const {status, stdout} = await snug(['profiles']);
	t.is(status, 0);
	t.deepEqual(
		stdout
			.split('\n')
			.slice(1, -1)
			.map(line => line.split(' ')[0]),
		profiles().map(({name}) => name),
	);
	t.deepEqual(JSON.parse((await snug(['profiles', '--json'])).stdout), {profiles: profiles()});
});

test('profiles NAME --json prints a profile that --profile can read again', async t => {
	const {stdout} = await snug(['profiles', 'iphone-safari', '--json']);
	const file = path.join(temporary(t), 'copy.json');
	writeFileSync(file, stdout);
	t.deepEqual(findProfile(file), findProfile('iphone-safari'));
	t.regex((await snug(['profiles', file])).stdout, /^iphone-safari: [^]*default budget +300 MB/);
});

test('inspect sums up a bundle, as text and as JSON', async t => {
	const directory = temporary(t);
	writeFileSync(path.join(directory, 'manifest.json'), JSON.stringify(sampleManifest));
	const text = await snug(['inspect', directory]);
	t.is(text.status, 0);
	t.snapshot(text.stdout);
	const summary = JSON.parse((await snug(['inspect', directory, '--json'])).stdout) as {codes: unknown; levels: unknown};
	t.deepEqual(summary.codes, [
		{code: 'planes bits=4 group=64', weights: 2, elements: 3000, bytes: 1500 + 200, bitsPerWeight: (8 * 1700) / 3000},
		{code: 'dense type=float16', weights: 1, elements: 100, bytes: 200, bitsPerWeight: 16},
	]);
	t.deepEqual(summary.levels, [{bytes: 70_000, memory: 65_536, download: 1900 + 5000}]);
});

test('inspect refuses a bundle of a newer format and a stage of a bundle', async t => {
	const directory = temporary(t);
	writeFileSync(path.join(directory, 'manifest.json'), JSON.stringify({...sampleManifest, format: FORMAT + 1}));
	const newer = await snug(['inspect', directory]);
	t.is(newer.status, 1);
	t.regex(newer.stderr, new RegExp(`has a format that this version does not read: expected ${FORMAT}, found ${FORMAT + 1}`));
	writeFileSync(path.join(directory, 'manifest.json'), '{');
	t.regex((await snug(['inspect', directory])).stderr, /manifest\.json: is no JSON/);
	t.is((await snug(['inspect', directory, '--stage', 'import'])).status, 2);
});

test('an interruption ends with status 130', async t => {
	const {status, stderr} = await snug(['profiles', 'nokia-3310'], {signal: AbortSignal.abort()});
	t.is(status, 130);
	t.is(stderr, 'snug: interrupted\n');
});

test('the process hands out status, stdout and stderr', t => {
	const cli = fileURLToPath(new URL('../compiler/cli.ts', import.meta.url));
	const spawn = (...argumentList: string[]) => spawnSync(process.execPath, ['--import=tsx', cli, ...argumentList], {encoding: 'utf8'});
	const good = spawn('profiles', 'node', '--json');
	t.is(good.status, 0);
	t.deepEqual(JSON.parse(good.stdout), findProfile('node'));
	t.is(good.stderr, '');
	t.is(spawn('profiles', 'nokia-3310').status, 1);
	t.is(spawn('--nonsense').status, 2);
	t.regex(spawn('--version').stdout, /^\d+\.\d+\.\d+\n$/);
});
