import {mkdtempSync, readdirSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import path from 'node:path';
import {fileURLToPath} from 'node:url';
import test from 'ava';
import {SnugError} from '../compiler/error.js';
import {formatSize, parseSize} from '../compiler/size.js';
import {decideBudget, findProfile, profileNames, profiles} from '../profiles/index.js';
import {readProfile, type Profile} from '../profiles/profile.js';

const folder = fileURLToPath(new URL('../profiles', import.meta.url));

const example = {
	name: 'kiosk',
	description: 'A kiosk',
	tabBytes: '600MB',
	wasmMaximum: '512MiB',
	sharedMemory: false,
	threads: 1,
	simd: 'plain',
	webgpu: {
		maxBufferSize: '256MiB',
		maxStorageBufferBindingSize: '128MiB',
		maxStorageBuffersPerShaderStage: 8,
		maxComputeWorkgroupStorageSize: 16_384,
		maxComputeInvocationsPerWorkgroup: 256,
		f16: false,
	},
	storage: {quota: '1GB', opfs: true},
	defaultBudget: 90e6,
	defaultMaxSequence: 512,
	sources: 'Measured on the device.',
};

test('every profile file is listed, is valid and carries the name of its file', t => {
	const files = readdirSync(folder).filter(name => name.endsWith('.json'));
	t.deepEqual(files.map(name => path.basename(name, '.json')).sort(), [...profileNames].sort());
	t.deepEqual(
		profiles().map(({name}) => name),
		[...profileNames],
	);
});

test('in every profile the default budget fits the tab and the WebAssembly memory', t => {
	for (const profile of profiles()) {
		t.true(profile.defaultBudget <= Math.min(profile.tabBytes, profile.wasmMaximum), profile.name);
		t.deepEqual(decideBudget(profile), {bytes: profile.defaultBudget, decidedBy: `profile ${profile.name}: defaultBudget`});
	}
});

test('in every profile WebGPU offers at least what the specification guarantees, unless the memory is smaller', t => {
	for (const {name, webgpu} of profiles()) {
		if (webgpu) {
			t.true(webgpu.maxStorageBufferBindingSize <= webgpu.maxBufferSize, name);
			t.true(webgpu.maxBufferSize >= 2 ** 27 && webgpu.maxStorageBufferBindingSize >= 2 ** 27, name);
			t.true(webgpu.maxStorageBuffersPerShaderStage >= 8 && webgpu.maxComputeWorkgroupStorageSize >= 16_384, name);
		}
	}
});

test('a profile reads sizes as text and as bytes', t => {
	const profile = readProfile(example, 'kiosk.json');
	t.is(profile.tabBytes, 600e6);
	t.is(profile.wasmMaximum, 512 * 2 ** 20);
	t.is(profile.defaultBudget, 90e6);
	t.is(profile.webgpu?.maxBufferSize, 2 ** 28);
	t.deepEqual(profile.storage, {quota: 1e9, opfs: true});
});

test('a profile that was read can be written and read again', t => {
	const profile = readProfile(example, 'kiosk.json');
	t.deepEqual(readProfile(JSON.parse(JSON.stringify(profile)), 'kiosk.json'), profile);
});

test('a profile without WebGPU says null', t => {
	t.is(readProfile({...example, webgpu: null}, 'kiosk.json').webgpu, null);
});

const refused: ReadonlyArray<readonly [title: string, json: unknown, message: RegExp]> = [
	['a list', [], /^kiosk\.json: is not valid: expected an object, found \[\]/],
	['a missing field', without('tabBytes'), /^kiosk\.json: tabBytes: .*expected a size.*found nothing/],
	['a missing WebGPU entry', without('webgpu'), /^kiosk\.json: webgpu: .*expected an object of limits, or null, found nothing/],
	['a field that is misspelt', {...example, tabbytes: 1}, /has a field 'tabbytes'.*tabBytes/],
	['an inherited field name', {...example, constructor: 1}, /has a field 'constructor'/],
	['an unknown field of the WebGPU limits', {...example, webgpu: {...example.webgpu, f32: true}}, /kiosk\.json: webgpu: has a field 'f32'/],
	['text for a boolean', {...example, sharedMemory: 'no'}, /sharedMemory: .*expected true or false, found "no"/],
	['a size of no unit that exists', {...example, defaultBudget: '60 megs'}, /defaultBudget: is no size.*found '60 megs'/],
	['a size that is a boolean', {...example, storage: {quota: true, opfs: true}}, /storage: quota: .*expected a size.*found true/],
	['half a thread', {...example, threads: 1.5}, /threads: .*whole number.*found 1\.5/],
	['no thread', {...example, threads: 0}, /threads: .*at least 1, found 0/],
	['threads without shared memory', {...example, threads: 4}, /threads: .*sharedMemory is false, found 4/],
	['an unknown SIMD level', {...example, simd: 'avx'}, /simd: .*"plain" or "relaxed", found "avx"/],
	['an empty name', {...example, name: ' '}, /name: .*expected text, found " "/],
	['a WebAssembly memory above 4 GiB', {...example, wasmMaximum: '5GB'}, /wasmMaximum: .*at most 4294967296.*found 5000000000/],
];

for (const [title, json, message] of refused) {
	test(`a profile with ${title} is refused with a message that names the field`, t => {
		t.regex(t.throws(() => readProfile(json, 'kiosk.json'), {instanceOf: SnugError}).message, message);
	});
}

function without(field: keyof typeof example): unknown {
	return Object.fromEntries(Object.entries(example).filter(([name]) => name !== field));
}

test('a profile is found by name and by the path of a file', t => {
	const directory = mkdtempSync(path.join(tmpdir(), 'snug-profiles-'));
	t.teardown(() => {
		rmSync(directory, {recursive: true});
	});
	const file = path.join(directory, 'kiosk.json');
	writeFileSync(file, JSON.stringify(example));
	t.is(findProfile('android-4gb').name, 'android-4gb');
	t.is(findProfile(file).name, 'kiosk');
	writeFileSync(file, '{');
	t.is(t.throws(() => findProfile(file), {instanceOf: SnugError}).code, 'invalid-profile');
	t.is(t.throws(() => findProfile(path.join(directory, 'none.json')), {instanceOf: SnugError}).code, 'unreadable-profile');
	const {message} = t.throws(() => findProfile('android'), {instanceOf: SnugError, code: 'unknown-profile'});
	t.true(message.includes(`one of ${profileNames.join(', ')},`), message);
});

test('the smallest figure of a profile decides the budget, and is named', t => {
	const profile: Profile = readProfile(example, 'kiosk.json');
	t.deepEqual(decideBudget(profile), {bytes: 90e6, decidedBy: 'profile kiosk: defaultBudget'});
	t.deepEqual(decideBudget({...profile, defaultBudget: 700e6}), {bytes: 512 * 2 ** 20, decidedBy: 'profile kiosk: wasmMaximum'});
	t.deepEqual(decideBudget({...profile, tabBytes: 80e6}), {bytes: 80e6, decidedBy: 'profile kiosk: tabBytes'});
	t.deepEqual(decideBudget(profile, {budget: 120e6}), {bytes: 120e6, decidedBy: 'the budget option'});
});

test('a budget above what the device gives is refused, and the figure is named', t => {
	const profile = readProfile(example, 'kiosk.json');
	const error = t.throws(() => decideBudget(profile, {budget: 600e6}), {instanceOf: SnugError, code: 'budget-above-profile'});
	t.regex(error.message, /profile kiosk: wasmMaximum.*536870912 bytes.*found 600 MB/);
});

test('sizes are read in decimal and binary units, in any case, with and without a space', t => {
	const sizes: ReadonlyArray<readonly [string | number, number]> = [
		['60MB', 60e6],
		['64MiB', 64 * 2 ** 20],
		['1.5GB', 1.5e9],
		['1.5 gb', 1.5e9],
		['2GiB', 2 ** 31],
		['10kB', 10_000],
		['10KiB', 10_240],
		['.5MB', 500_000],
		['12345', 12_345],
		['12345B', 12_345],
		[12_345, 12_345],
	];
	for (const [text, bytes] of sizes) {
		t.is(parseSize(text), bytes, String(text));
	}
});

for (const size of ['', 'MB', '60XB', '-5MB', '0', '1e9', '60M', '1,5GB', '99999999GB', 'Infinity', 0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
	test(`'${size}' (${typeof size}) is no size`, t => {
		const error = t.throws(() => parseSize(size, '--budget'), {instanceOf: SnugError, code: 'invalid-size'});
		t.regex(error.message, /^--budget: is no size: expected a positive number/);
		t.true(error.message.includes(String(size)));
	});
}

test('sizes are written with three digits in the largest unit that is at least one', t => {
	const sizes: ReadonlyArray<readonly [number, string]> = [
		[0, '0 B'],
		[999, '999 B'],
		[1000, '1 kB'],
		[12_345_678, '12.3 MB'],
		[999_600, '1 MB'],
		[536_870_912, '537 MB'],
		[4 * 2 ** 30, '4.29 GB'],
	];
	for (const [bytes, text] of sizes) {
		t.is(formatSize(bytes), text);
	}
});
